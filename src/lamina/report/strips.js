const CELL = 16; // the height of a row

/** Colours of powers of ten, from little to much: blue over grey to yellow, told apart by all eyes. */
const SCALE = [
  [0, 34, 78], [33, 58, 108], [73, 79, 107], [105, 102, 112], [136, 126, 120],
  [170, 152, 116], [205, 180, 104], [234, 210, 82], [253, 234, 69],
];

/** The colour of a share from 0 to 1. */
function shade(share) {
  const place = Math.min(Math.max(share, 0), 1) * (SCALE.length - 1);
  const i = Math.min(Math.floor(place), SCALE.length - 2);
  const mixed = SCALE[i].map((part, k) => Math.round(part + (place - i) * (SCALE[i + 1][k] - part)));
  return `rgb(${mixed.join(",")})`;
}

/** Parameters over time: one row each, coloured by one quantity. */
class Strips {
  constructor(place, data, select) {
    this.data = data;
    this.place = place;
    this.quantity = [...select.options].map((o) => o.value).find((value) => value in data.rows);
    for (const option of [...select.options]) if (!(option.value in data.rows)) option.remove();
    this.at = null;
    this.canvas = make("canvas", { tabindex: "0", role: "img", "aria-label": say("strips_label") });
    this.names = make("div", { class: "names" }, ...data.names.map((name) => make("span", { title: name }, name)));
    this.values = make("div", { class: "values" });
    this.legend = make("div", { class: "scale" });
    this.tip = make("div", { class: "tip", hidden: "" });
    const stage = make("div", { class: "stage" }, this.canvas, this.tip);
    place.append(make("div", { class: "rows" }, this.names, stage, this.values), this.legend);
    select.addEventListener("change", () => {
      this.quantity = select.value;
      this.draw();
    });
    this.listen();
    this.draw();
    new ResizeObserver(() => this.draw()).observe(place);
  }

  get rows() {
    return this.data.rows[this.quantity] ?? [];
  }

  /** The powers of ten that are there. */
  measure() {
    const there = this.rows.flat().filter((v) => v !== null && v > 0);
    const logs = there.map(Math.log10);
    this.low = Math.floor(Math.min(...logs, Infinity) * 2) / 2;
    this.high = Math.ceil(Math.max(...logs, -Infinity) * 2) / 2;
    if (!logs.length) [this.low, this.high] = [0, 1];
    if (this.low === this.high) this.high += 1;
  }

  draw() {
    this.measure();
    const width = this.canvas.parentElement.clientWidth;
    const height = CELL * this.data.names.length;
    const ratio = Math.max(window.devicePixelRatio, 2); // sharp on paper too
    Object.assign(this.canvas, { width: width * ratio, height: height * ratio });
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const step = width / this.data.steps.length;
    this.rows.forEach((row, r) => {
      row.forEach((value, c) => this.cell(pen, value, c * step, r * CELL + 1, step, CELL - 2));
    });
    this.values.replaceChildren(...this.rows.map((row) => make("span", {}, this.word(row.at(-1)))));
    this.fillLegend();
  }

  cell(pen, value, x, y, width, height) {
    const [left, right] = [Math.round(x * 2) / 2, Math.round((x + width) * 2) / 2];
    if (value === null || value === 0) {
      pen.fillStyle = "rgba(128,128,128,.18)";
      pen.fillRect(left, y, right - left, height);
    } else if (value < 0) {
      pen.fillStyle = "#c2185b";
      pen.fillRect(left, y, right - left, height);
      pen.strokeStyle = "#fff";
      pen.strokeRect(left + 1, y + 2, Math.max(right - left - 2, 1), height - 4);
    } else {
      pen.fillStyle = shade((Math.log10(value) - this.low) / (this.high - this.low));
      pen.fillRect(left, y, right - left, height);
    }
  }

  word(value) {
    if (value === null || value === undefined) return "–";
    return value < 0 ? say("not_finite") : figure(value);
  }

  fillLegend() {
    const stops = SCALE.map((_, i) => shade(i / (SCALE.length - 1))).join(",");
    const bar = make("span", { class: "bar" });
    bar.style.background = `linear-gradient(90deg,${stops})`;
    const zero = make("span", { class: "key zero" });
    const broken = make("span", { class: "key broken-key" });
    const bad = this.rows.flat().some((value) => value !== null && value < 0);
    this.legend.replaceChildren(
      make("span", {}, figure(Number((10 ** this.low).toPrecision(2)))),
      bar,
      make("span", {}, figure(Number((10 ** this.high).toPrecision(2)))),
      make("span", {}, zero, ` ${say("none_there")}`),
      ...(bad ? [make("span", {}, broken, ` ${say("not_finite")}`)] : []),
    );
  }

  listen() {
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      const c = Math.floor(((event.clientX - box.left) / box.width) * this.data.steps.length);
      this.point(Math.floor((event.clientY - box.top) / CELL), c);
    });
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.canvas.addEventListener("blur", () => (this.tip.hidden = true));
    this.canvas.addEventListener("keydown", (event) => {
      const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (event.key === "Escape") this.tip.hidden = true;
      if (!by) return;
      event.preventDefault();
      const [r, c] = this.at ?? [0, this.data.steps.length];
      this.point(r + (this.at ? by[0] : 0), c + (this.at ? by[1] : -1));
      announce(this.tip.textContent);
    });
  }

  point(r, c) {
    const row = Math.min(Math.max(r, 0), this.data.names.length - 1);
    const column = Math.min(Math.max(c, 0), this.data.steps.length - 1);
    this.at = [row, column];
    this.tip.replaceChildren(
      make("b", {}, this.data.names[row]),
      make("div", {}, say("at_step", { step: this.data.steps[column].toLocaleString("en") })),
      make("b", { class: "value" }, this.word(this.rows[row][column])),
    );
    this.tip.hidden = false;
    const width = this.canvas.clientWidth;
    const left = (column / this.data.steps.length) * width + 12;
    const over = left + this.tip.offsetWidth > width;
    this.tip.style.left = `${over ? Math.max(left - this.tip.offsetWidth - 24, 0) : left}px`;
    this.tip.style.top = `${row * CELL + CELL + 4}px`;
  }
}
