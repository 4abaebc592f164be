// A picture goes to the program, its progress comes back, then the result.

import { ask, show } from "./api.js";
import { makeCompare } from "./compare.js";

const EVERY = 250; // milliseconds between looks at a job

export function startPhotos(denoisers, megabytes, bringToFront) {
  const byId = (id) => document.getElementById(id);
  const model = byId("model"), drop = byId("drop"), noise = byId("noise");
  const problem = byId("photo-problem"), result = byId("result");
  const compare = makeCompare(byId("compare"), [...document.querySelectorAll("[data-zoom]")]);
  let picture = null, job = null, run = 0;

  for (const denoiser of denoisers) model.append(new Option(denoiser.name, denoiser.name));
  model.value = "photo";

  const chosen = () => denoisers.find((denoiser) => denoiser.name === model.value);

  function settings() {
    byId("model-summary").textContent = chosen().summary;
    byId("sigma").disabled = chosen().level !== "given";
    byId("strength-shown").textContent = `${Math.round(100 * byId("strength").value)} %`;
    byId("noise-level-field").hidden = !noise.value || noise.value === "camera";
    byId("noise-level-shown").textContent = byId("noise-level").value + (noise.value === "salt-pepper" ? " %" : " of 255");
  }

  function form() {
    const fields = new FormData();
    for (const name of ["model", "strength", "sigma"]) {
      const field = byId(name);
      if (!field.disabled && field.value !== "") fields.set(name, field.value);
    }
    if (noise.value) fields.set("noise", noise.value === "camera" ? "camera" : `${noise.value}:${byId("noise-level").value}`);
    fields.set("picture", picture, picture.name); // last, so that it is not read where something else is wrong
    return fields;
  }

  function waiting(on) {
    byId("progress").hidden = byId("cancel").hidden = !on;
    byId("progress").removeAttribute("value");
    byId("percent").textContent = byId("status").textContent = "";
  }

  // A result of other settings may still be looked at while the new one is made, but is not offered as if it were that.
  function former(on) {
    result.classList.toggle("former", on);
    byId("download").hidden = on;
    if (on) byId("facts").textContent = "the former result, until the new one is there";
  }

  async function cancel() {
    run += 1;
    const old = job;
    job = null;
    waiting(false);
    if (old) await ask(`/api/jobs/${old.id}`, { method: "DELETE" }).catch(() => {});
  }

  async function start() {
    if (!picture) return;
    const ended = cancel(), mine = run, fields = form();
    show(problem, null);
    former(true);
    waiting(true);
    byId("status").textContent = "sending";
    try {
      await ended;
      if (mine !== run) return;
      if (picture.size > megabytes * 1e6) throw new Error(`${picture.name} is larger than ${megabytes} MB.`);
      await readable(picture);
      if (mine !== run) return;
      const sent = await ask("/api/denoise", { method: "POST", body: fields });
      if (mine !== run) return void ask(`/api/jobs/${sent.id}`, { method: "DELETE" }).catch(() => {});
      job = sent;
      while (job.state === "waiting" || job.state === "working") {
        if (job.state === "working") {
          byId("progress").value = job.progress;
          byId("percent").textContent = `${Math.floor(100 * job.progress)} %`;
        }
        byId("status").textContent = job.ahead ? `${job.ahead} ahead` : "";
        await new Promise((done) => setTimeout(done, EVERY));
        if (mine !== run) return;
        job = await ask(`/api/jobs/${job.id}`);
        if (mine !== run) return;
      }
      if (job.error) throw new Error(job.error);
      const size = await compare(job.before, job.after);
      if (mine !== run) return;
      former(false);
      byId("download").href = job.result;
      byId("facts").textContent = facts(job, size);
      result.hidden = false;
    } catch (error) {
      if (mine !== run) return;
      show(problem, error);
      result.hidden = true;
    }
    waiting(false);
  }

  async function readable(file) { // a request would fail in the same way whether the file or the program is gone
    await file.slice(0, 1).arrayBuffer().catch(() => {
      throw new Error(`${file.name} can no longer be read, or is a folder; choose it again.`);
    });
  }

  function facts(job, size) { // of the picture as it is shown, which may be turned
    const parts = [`${size.width} × ${size.height} pixels`];
    if (job.pages > 1) parts.push(`${job.pages} pages, the first shown`);
    if (job.sigma !== null) parts.push(`noise level ${job.sigma.toFixed(1)} of 255`);
    if (job.psnr_before !== null) parts.push(`PSNR ${job.psnr_before.toFixed(2)} → ${job.psnr_after?.toFixed(2) ?? "∞"} dB`);
    return parts.join(" · ");
  }

  function take(files) {
    if (!files.length) return;
    picture = files[0];
    result.hidden = true; // it is another picture's
    byId("drop-text").textContent = files.length > 1 ? `one picture at a time: ${picture.name} is taken` : picture.name;
    byId("go").disabled = false;
    start();
  }

  byId("file").addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = ""; // so that the same file, changed since, can be chosen again
  });
  // Anywhere on the page; the browser would open the file instead.
  for (const name of ["dragover", "dragleave", "drop"])
    addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name !== "drop" || !event.dataTransfer.files.length) return;
      bringToFront();
      take(event.dataTransfer.files);
    });
  byId("photo-settings").addEventListener("input", settings);
  byId("photo-settings").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("cancel").addEventListener("click", () => {
    result.hidden = true; // the program has forgotten it
    cancel();
  });
  settings();
}
