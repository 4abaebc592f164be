// Before and after in one view: a line that can be moved, and zoom down to actual pixels.

export function makeCompare(root, buttons) {
  const view = root.querySelector(".view"), stage = root.querySelector(".stage");
  const before = root.querySelector(".before"), after = root.querySelector(".after");
  const line = root.querySelector(".line"), split = root.querySelector(".split");
  let zoom = "fit";

  const scale = () => {
    if (zoom === "fit") return Math.min(1, view.clientWidth / before.naturalWidth, (0.78 * innerHeight) / before.naturalHeight);
    return Number(zoom) / devicePixelRatio; // a pixel of the picture is one, two or four of the screen
  };

  function layout(middle) {
    if (!before.naturalWidth || !view.clientWidth) return; // nothing to show yet, or hidden
    stage.style.width = `${before.naturalWidth * scale()}px`;
    stage.style.height = `${before.naturalHeight * scale()}px`;
    stage.classList.toggle("pixels", zoom !== "fit");
    if (middle) {
      view.scrollLeft = middle[0] * stage.offsetWidth - view.clientWidth / 2;
      view.scrollTop = middle[1] * stage.offsetHeight - view.clientHeight / 2;
    }
    divide();
  }

  function divide() {
    const x = (view.clientWidth * split.value) / 100; // of what is seen
    const inside = x + view.scrollLeft - stage.offsetLeft;
    after.style.clipPath = `inset(0 0 0 ${Math.max(0, inside)}px)`;
    line.style.left = `${x - 1}px`;
    line.style.height = `${Math.min(view.clientHeight, stage.offsetHeight)}px`;
    line.classList.toggle("low", stage.offsetHeight < 48); // its labels would cover the picture
  }

  function setZoom(wanted, middle) {
    middle ??= [
      (view.scrollLeft + view.clientWidth / 2 - stage.offsetLeft) / stage.offsetWidth,
      (view.scrollTop + view.clientHeight / 2) / stage.offsetHeight,
    ];
    zoom = wanted;
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.zoom === zoom);
    layout(middle);
  }

  for (const button of buttons) button.addEventListener("click", () => setZoom(button.dataset.zoom));
  split.addEventListener("input", divide);
  view.addEventListener("scroll", divide);
  addEventListener("resize", () => layout());
  new ResizeObserver(() => layout()).observe(root); // also when its tab is shown

  // A drag near the line moves it; elsewhere the view scrolls as usual, and a double click zooms there.
  let dragging = false;
  const at = (event) => event.clientX - view.getBoundingClientRect().left;
  view.addEventListener("pointerdown", (event) => {
    if (Math.abs(at(event) - (view.clientWidth * split.value) / 100) > 24) return;
    dragging = true;
    view.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  view.addEventListener("pointermove", (event) => {
    const near = Math.abs(at(event) - (view.clientWidth * split.value) / 100) <= 24;
    view.style.cursor = near ? "ew-resize" : "";
    view.style.touchAction = near ? "none" : "";
    if (!dragging) return;
    split.value = (100 * at(event)) / view.clientWidth;
    divide();
  });
  for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => (dragging = false));
  view.addEventListener("dblclick", (event) => {
    const box = stage.getBoundingClientRect();
    const middle = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    setZoom(zoom === "fit" ? "1" : "fit", middle);
  });

  return async (first, second) => { // gives the size of what is shown
    before.src = first;
    after.src = second;
    await Promise.all([before.decode(), after.decode()]);
    layout();
    return { width: before.naturalWidth, height: before.naturalHeight };
  };
}
