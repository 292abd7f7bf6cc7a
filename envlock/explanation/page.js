// Tells below the drawing what a run of releases is about, when it is pointed at, tapped or reached by keyboard.
const figure = document.querySelector("figure");
const detail = document.getElementById("detail");

function show(event) {
  const run = event.target.closest("[data-row]");
  if (!run) return;
  detail.textContent = run.getAttribute("aria-label");
  const row = document.getElementById(run.dataset.row);
  document.querySelectorAll(".active").forEach((other) => other.classList.remove("active"));
  [run, row].forEach((part) => part.classList.add("active"));
}

// Where there is no room for all of it, the drawing shows what the file is about first.
const scroll = figure.querySelector(".scroll");
const band = figure.querySelector(".window");
if (band) scroll.scrollLeft = band.getBoundingClientRect().left - scroll.getBoundingClientRect().left - 120;

detail.textContent = detail.dataset.hint;
["pointerover", "focusin", "click"].forEach((kind) => figure.addEventListener(kind, show));
