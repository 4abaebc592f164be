// A picture goes to the program, its progress comes back, then the result.

import { ask, show } from "./api.js";
import { makeCompare } from "./compare.js";

const EVERY = 250; // milliseconds between looks at a job

export function startPhotos(denoisers, megabytes) {
  const byId = (id) => document.getElementById(id);
  const model = byId("model"), drop = byId("drop"), noise = byId("noise"), problem = byId("photo-problem");
  const compare = makeCompare(byId("compare"), [...document.querySelectorAll("[data-zoom]")]);
  let picture = null, job = null, run = 0;

  for (const denoiser of denoisers) model.append(new Option(denoiser.name, denoiser.name));
  model.value = "photo";

  function settings() {
    const chosen = denoisers.find((denoiser) => denoiser.name === model.value);
    byId("model-summary").textContent = chosen.summary;
    byId("sigma").disabled = chosen.level !== "given";
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
    if (!on) byId("status").textContent = "";
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
    await cancel();
    const mine = run;
    show(problem, null);
    waiting(true);
    byId("status").textContent = "sending";
    try {
      if (picture.size > megabytes * 1e6) throw new Error(`${picture.name} is larger than ${megabytes} MB.`);
      const sent = await ask("/api/denoise", { method: "POST", body: form() });
      if (mine !== run) return void ask(`/api/jobs/${sent.id}`, { method: "DELETE" }).catch(() => {});
      job = sent;
      while (job.state === "waiting" || job.state === "working") {
        if (job.state === "working") byId("progress").value = job.progress;
        byId("status").textContent = job.ahead ? `${job.ahead} ahead` : "";
        await new Promise((done) => setTimeout(done, EVERY));
        if (mine !== run) return;
        job = await ask(`/api/jobs/${job.id}`);
        if (mine !== run) return;
      }
      if (job.error) throw new Error(job.error);
      byId("download").href = job.result;
      byId("facts").textContent = facts(job);
      byId("result").hidden = false;
      await compare(job.before, job.after);
    } catch (error) {
      if (mine === run) show(problem, error);
      if (mine === run) byId("result").hidden = true;
    }
    if (mine === run) waiting(false);
  }

  function facts(job) {
    const parts = [`${job.width} × ${job.height} pixels`, `noise level ${job.sigma.toFixed(1)} of 255`];
    if (job.pages > 1) parts.splice(1, 0, `${job.pages} pages, the first shown`);
    if (job.psnr_before !== null) parts.push(`PSNR ${job.psnr_before.toFixed(2)} → ${job.psnr_after?.toFixed(2) ?? "∞"} dB`);
    return parts.join(" · ");
  }

  function take(files) {
    if (!files.length) return;
    picture = files[0];
    byId("drop-text").textContent = picture.name;
    byId("go").disabled = false;
    start();
  }

  byId("file").addEventListener("change", (event) => take(event.target.files));
  // Anywhere on the page; the browser would open the file instead.
  for (const name of ["dragover", "dragleave", "drop"])
    addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && !byId("photo").hidden) take(event.dataTransfer.files);
    });
  byId("photo-settings").addEventListener("input", settings);
  byId("photo-settings").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("cancel").addEventListener("click", cancel);
  settings();
}
