const charts = DATA.charts.map(
  (data, i) => new Chart(document.querySelector(`[data-chart="${i}"]`), data),
);

document.querySelectorAll("[data-layers]").forEach((place) => {
  const select = place.previousElementSibling.querySelector("select");
  new Strips(place, DATA.layers[Number(place.dataset.layers)], select);
});

document.querySelectorAll('[name="across"]').forEach((radio) => {
  radio.addEventListener("change", () => {
    settings.across = Number(radio.value);
    charts.forEach((chart) => {
      chart.leave();
      chart.draw();
    });
  });
});

const slider = document.getElementById("smoothing");
slider?.addEventListener("input", () => {
  settings.smoothing = Number(slider.value);
  slider.parentElement.querySelector("output").textContent = settings.smoothing.toFixed(2);
  charts.forEach((chart) => chart.draw());
});

document.querySelectorAll(".only-different").forEach((box) => {
  box.addEventListener("change", () => {
    box.closest(".differing").classList.toggle("only", box.checked);
  });
});

document.querySelectorAll(".fit").forEach((box) => {
  box.addEventListener("change", () => {
    box.closest(".graph").classList.toggle("fitted", box.checked);
  });
});

const theme = document.getElementById("theme");
theme.addEventListener("change", () => {
  document.documentElement.dataset.theme = theme.value;
});

document.querySelectorAll("form").forEach((form) => {
  form.addEventListener("submit", (event) => event.preventDefault());
});

// Paper has no folds. It shows what is open, and afterwards the page is as it was.
const opened = [];
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((fold) => {
    fold.open = true;
    opened.push(fold);
  });
});
window.addEventListener("afterprint", () => {
  opened.splice(0).forEach((fold) => {
    fold.open = false;
  });
});
