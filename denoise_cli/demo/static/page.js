// Tabs, and what all of them need.

import { ask } from "./api.js";
import { startDrawing } from "./draw.js";
import { startPhotos } from "./photo.js";

const tabs = [...document.querySelectorAll("[role=tab]")];

function choose(tab, focus) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", chosen);
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  history.replaceState(null, "", `#${tab.getAttribute("aria-controls")}`);
}

tabs.forEach((tab, number) => {
  tab.addEventListener("click", () => choose(tab, false));
  tab.addEventListener("keydown", (event) => {
    const wanted = { ArrowRight: number + 1, ArrowLeft: number - 1, Home: 0, End: -1 }[event.key];
    if (wanted === undefined) return;
    event.preventDefault(); // the page would scroll as well
    choose(tabs.at(wanted % tabs.length), true);
  });
});

for (const place of document.querySelectorAll(".origin")) place.textContent = location.origin;
const wanted = tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);

const { denoisers, megabytes } = await ask("/api/denoisers");
const digits = denoisers.filter((denoiser) => denoiser.digits);
startDrawing(digits);
const photos = denoisers.filter((denoiser) => !denoiser.digits);
startPhotos(photos, megabytes, () => choose(document.getElementById("tab-photo"), false));
if (wanted) choose(wanted, false);
document.body.dataset.ready = "yes";
