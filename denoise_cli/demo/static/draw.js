// A board of 28 x 28 cells; what is drawn gets noise and is denoised while you draw.

import { ask, show } from "./api.js";

const SIDE = 28, SCALE = 10, PEN = 11; // cells; canvas pixels a cell; half the pen's width in canvas pixels
// How the examples are written: points of lines, in cells.
const EXAMPLES = {
  0: [[[14, 5], [10, 7], [8, 12], [8, 17], [10, 21], [14, 23], [18, 21], [20, 17], [20, 12], [18, 7], [14, 5]]],
  1: [[[11, 9], [15, 5], [14, 23]]],
  2: [[[9, 9], [11, 6], [15, 5], [19, 7], [19, 11], [9, 22], [20, 22]]],
  3: [[[9, 6], [14, 5], [18, 7], [18, 11], [13, 13], [19, 16], [19, 20], [15, 23], [9, 22]]],
  4: [[[11, 5], [8, 14], [20, 14]], [[18, 6], [17, 23]]],
  5: [[[19, 5], [10, 6], [9, 13], [15, 12], [19, 15], [18, 21], [13, 23], [9, 21]]],
  6: [[[17, 5], [11, 10], [9, 17], [11, 22], [16, 23], [19, 19], [17, 15], [11, 16]]],
  7: [[[8, 6], [20, 6], [13, 23]]],
  8: [[[14, 13], [10, 10], [11, 6], [16, 5], [18, 9], [14, 13], [9, 17], [11, 22], [16, 23], [19, 19], [14, 13]]],
  9: [[[18, 10], [14, 13], [10, 11], [11, 6], [16, 5], [18, 9], [17, 16], [15, 23]]],
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function startDrawing(denoisers) {
  const byId = (id) => document.getElementById(id);
  const board = byId("board"), level = byId("digit-level"), kind = byId("digit-noise");
  const paint = board.getContext("2d", { willReadFrequently: true });
  const ink = new OffscreenCanvas(board.width, board.height).getContext("2d", { willReadFrequently: true });
  let seed = 0, last = null, pen = { at: [14, 14], down: false, shown: false };
  let asking = false, changed = false;

  for (const denoiser of denoisers) {
    const label = document.createElement("label"), box = document.createElement("input");
    box.type = "checkbox";
    box.value = denoiser.name;
    box.checked = true;
    label.append(box, denoiser.name.replace("mnist-", ""));
    label.title = denoiser.summary;
    byId("digit-models").append(label);
  }

  function redraw() {
    paint.fillStyle = "#000";
    paint.fillRect(0, 0, board.width, board.height);
    paint.drawImage(ink.canvas, 0, 0);
    if (pen.shown) {
      paint.strokeStyle = pen.down ? "#ffb000" : "#6aa5e0";
      paint.lineWidth = 2;
      paint.strokeRect((pen.at[0] - 1) * SCALE, (pen.at[1] - 1) * SCALE, 2 * SCALE, 2 * SCALE);
    }
  }

  function line(from, to) { // in canvas pixels
    ink.strokeStyle = "#fff";
    ink.lineWidth = 2 * PEN;
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    ink.moveTo(...from);
    ink.lineTo(to[0] + 0.01, to[1]); // a line of no length would leave no dot
    ink.stroke();
    redraw();
    refresh();
  }

  function erase() {
    ink.clearRect(0, 0, board.width, board.height);
    redraw();
    refresh();
  }

  function example(digit) {
    ink.clearRect(0, 0, board.width, board.height);
    const places = EXAMPLES[digit].map((points) => points.map((point) => point.map((cell) => cell * SCALE)));
    for (const points of places) points.slice(1).forEach((point, number) => line(points[number], point));
  }

  function pixels() { // the mean of each cell
    const data = ink.getImageData(0, 0, board.width, board.height).data, cells = new Array(SIDE * SIDE).fill(0);
    for (let y = 0; y < board.height; y++)
      for (let x = 0; x < board.width; x++)
        cells[Math.floor(y / SCALE) * SIDE + Math.floor(x / SCALE)] += data[4 * (y * board.width + x) + 3];
    return cells.map((sum) => Math.round(sum / SCALE ** 2));
  }

  function noise() {
    const strength = Number(level.value);
    byId("digit-level-shown").textContent = kind.value === "salt-pepper" ? `${Math.round(100 * strength)} %` : strength;
    return `${kind.value}:${strength * (kind.value === "salt-pepper" ? 100 : 255)}`;
  }

  function chosen() {
    return [...byId("digit-models").querySelectorAll("input:checked")].map((box) => box.value);
  }

  function figure(name, values, facts) {
    const results = byId("digit-results");
    let figure = results.querySelector(`[data-name="${name}"]`);
    if (!figure) {
      figure = document.createElement("figure");
      figure.dataset.name = name;
      const canvas = document.createElement("canvas"), caption = document.createElement("figcaption");
      canvas.width = canvas.height = SIDE;
      canvas.className = "digit";
      canvas.role = "img";
      canvas.ariaLabel = name === "noisy" ? "your digit with noise" : `your digit, denoised by ${name.replace("mnist-", "")}`;
      caption.append(name.replace("mnist-", ""), document.createElement("span"));
      figure.append(canvas, caption);
    }
    results.append(figure);
    const picture = new ImageData(SIDE, SIDE);
    values.forEach((value, at) => picture.data.set([value, value, value, 255], 4 * at));
    figure.querySelector("canvas").getContext("2d").putImageData(picture, 0, 0);
    figure.querySelector("span").textContent = facts.filter(Boolean).join(", ");
    return figure;
  }

  // One request at a time; what changes meanwhile is asked for afterwards.
  async function refresh() {
    changed = true;
    if (asking) return;
    asking = true;
    if (!byId("digit-results").childElementCount) byId("digit-status").textContent = "loading the networks…";
    while (changed) {
      changed = false;
      try {
        const body = JSON.stringify({ pixels: pixels(), noise: noise(), seed, models: chosen() });
        const headers = { "Content-Type": "application/json" };
        const told = await ask("/api/digits", { method: "POST", headers, body });
        const psnr = (result) => result.psnr !== null && `${result.psnr.toFixed(1)} dB`;
        const figures = [
          figure("noisy", told.noisy.pixels, [psnr(told.noisy)]),
          ...told.results.map((result) => figure(result.model, result.pixels, [psnr(result), `${result.milliseconds} ms`])),
        ];
        byId("digit-results").replaceChildren(...figures);
        show(byId("draw-problem"), null);
      } catch (error) {
        show(byId("draw-problem"), error);
      }
      byId("digit-status").textContent = "";
    }
    asking = false;
  }

  const place = (event) => {
    const box = board.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * board.width, ((event.clientY - box.top) / box.height) * board.height];
  };
  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    pen.shown = false;
    last = place(event);
    line(last, last);
  });
  board.addEventListener("pointermove", (event) => {
    if (!last) return;
    const here = place(event);
    line(last, here);
    last = here;
  });
  for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => (last = null));
  board.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in EXAMPLES) example(event.key);
    else if (event.key in ARROWS) {
      const [x, y] = ARROWS[event.key], before = pen.at;
      pen.at = [before[0] + x, before[1] + y].map((cell) => Math.min(SIDE - 1, Math.max(1, cell)));
      pen.shown = true;
      if (pen.down) line(before.map((cell) => cell * SCALE), pen.at.map((cell) => cell * SCALE));
    } else if (event.key === " ") {
      pen = { at: pen.at, down: !pen.down, shown: true };
      if (pen.down) line(pen.at.map((cell) => cell * SCALE), pen.at.map((cell) => cell * SCALE));
    } else if (event.key === "Delete" || event.key === "Backspace") erase();
    else return;
    event.preventDefault();
    redraw();
  });
  board.addEventListener("blur", () => {
    pen.shown = pen.down = false;
    redraw();
  });
  byId("erase").addEventListener("click", erase);
  byId("new-noise").addEventListener("click", () => {
    seed += 1;
    refresh();
  });
  byId("draw-settings").addEventListener("input", refresh);
  byId("draw-settings").addEventListener("submit", (event) => event.preventDefault());
  example(4);
}
