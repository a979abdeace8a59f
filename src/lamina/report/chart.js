const HEIGHT = 250;
const MARGIN = { left: 56, top: 12, bottom: 28 };

/** What all charts share: which places are to the right, and how much curves are smoothed. */
const settings = { across: 0, smoothing: 0.6 };

/** An exponential mean that starts without a bias; gaps stay gaps. */
function smooth(values, weight) {
  if (!weight) return values;
  let [sum, total] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

/** One chart: curves, axes, a legend whose names are switches, and values under the pointer. */
class Chart {
  constructor(figure, data) {
    this.figure = figure;
    this.data = data;
    this.log = data.log;
    this.hidden = new Set();
    this.place = null; // how far right the pointer is, as a value
    const box = make("input", { type: "checkbox", class: "log" });
    box.checked = this.log;
    box.addEventListener("change", () => {
      this.log = box.checked;
      this.draw();
    });
    this.note = make("p", { class: "help" });
    this.svg = make("svg:svg", { class: "plot", tabindex: "0", role: "img" });
    this.tip = make("div", { class: "tip", hidden: "" });
    this.legend = make("div", { class: "legend" });
    const label = make("label", {}, box, ` ${say("logarithmic")}`);
    const caption = make("figcaption", {}, make("b", {}, data.title), label);
    figure.append(caption, make("div", { class: "stage" }, this.svg, this.tip), this.legend, this.note);
    this.listen();
    this.fillLegend();
    this.draw();
    new ResizeObserver(() => {
      if (Math.abs(figure.clientWidth - this.drawnFor) > 1) this.draw();
    }).observe(figure);
  }

  /** Series that are seen. */
  get shown() {
    return this.data.series.filter((_, i) => !this.hidden.has(i));
  }

  name(series) {
    return `${DATA.runs.length > 1 ? `${DATA.runs[series.run].letter} ` : ""}${series.kind}`;
  }

  colour(series) {
    return (DATA.runs.length > 1 ? series.run : this.data.series.indexOf(series)) % 8;
  }

  x(series) {
    return DATA.axes[series.axis][settings.across];
  }

  /** The curve that is drawn strong: measured, or smoothed where there are steps. */
  strong(series) {
    return smooth(series.mean, series.smooth ? settings.smoothing : 0);
  }

  /** Whether a legend would only say again what the title says. */
  get alone() {
    return this.data.series.length === 1 && DATA.runs.length === 1;
  }

  fillLegend() {
    this.legend.hidden = this.alone;
    this.data.series.forEach((series, i) => {
      const line = make("svg:line", { x1: 1, x2: 27, y1: 5, y2: 5, class: this.classes(series, "strong") });
      const swatch = make("svg:svg", { width: 28, height: 10, "aria-hidden": "true" }, line);
      const name = this.name(series);
      const button = make(
        "button",
        { type: "button", "aria-pressed": "true", "aria-label": say("hide", { name }), title: series.name },
        swatch,
        make("span", {}, name),
      );
      button.addEventListener("click", () => {
        if (!this.hidden.delete(i)) this.hidden.add(i);
        button.setAttribute("aria-pressed", String(!this.hidden.has(i)));
        this.draw();
      });
      this.legend.append(button);
    });
  }

  classes(series, kind) {
    return `curve ${kind} c${this.colour(series)}${series.dashed ? " dashed" : ""}`;
  }

  // -- scales

  measure() {
    const width = Math.max(this.figure.clientWidth - 26, 240);
    this.drawnFor = this.figure.clientWidth;
    const names = this.shown.map((s) => (DATA.runs.length > 1 ? DATA.runs[s.run].letter : s.kind));
    const longest = Math.max(...names.map((name) => [...name].reduce((n, c) => n + (c > "\u2e80" ? 13 : 7), 0)), 0);
    this.right = this.alone || (width < 420 && DATA.runs.length === 1) ? 10 : Math.min(longest + 16, 110);
    Object.assign(this, { width, height: HEIGHT });
    const xs = this.shown.flatMap((s) => [this.x(s)[0], this.x(s).at(-1)]);
    [this.left, this.far] = xs.length ? [Math.min(...xs), Math.max(...xs)] : [0, 1];
    if (this.left > 0 && this.left < 0.1 * this.far) this.left = 0;
    if (this.left === this.far) [this.left, this.far] = [this.left - 0.5, this.far + 0.5];
    this.measureHeights();
  }

  measureHeights() {
    let [low, high, lost] = [Infinity, -Infinity, 0];
    for (const series of this.shown) {
      for (const values of [series.low ?? series.mean, series.high ?? series.mean]) {
        for (const value of values) {
          if (value === null) continue;
          if (this.log && value <= 0) {
            lost += 1;
            continue;
          }
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
      }
    }
    this.note.textContent = lost ? say("not_logarithmic", { count: lost }) : "";
    if (low > high) [low, high] = this.log ? [0.1, 10] : [0, 1];
    if (this.log) {
      const pad = (Math.log(high) - Math.log(low)) * 0.04 || 0.5;
      [this.low, this.high] = [low * Math.exp(-pad), high * Math.exp(pad)];
    } else {
      const pad = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
      const atZero = low >= 0 && low < 0.15 * high;
      [this.low, this.high] = [atZero ? 0 : low - pad, high + pad];
    }
  }

  px(x) {
    return MARGIN.left + ((x - this.left) / (this.far - this.left)) * (this.width - MARGIN.left - this.right);
  }

  py(y) {
    if (this.log && !(y > 0)) return null;
    const [a, b, c] = this.log ? [this.low, this.high, y].map(Math.log) : [this.low, this.high, y];
    return MARGIN.top + (1 - (c - a) / (b - a)) * (this.height - MARGIN.top - MARGIN.bottom);
  }

  // -- drawing

  draw() {
    this.measure();
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.setAttribute(
      "aria-label",
      say("chart_label", { title: this.data.title, names: this.shown.map((s) => this.name(s)).join(", ") }),
    );
    this.svg.replaceChildren(...this.grid(), ...this.shown.flatMap((s) => this.curve(s)), ...this.ends());
    this.cross = make("svg:g", { class: "cross" });
    this.svg.append(this.cross);
    if (this.place !== null) this.point(this.place);
  }

  grid() {
    const across = Math.max(3, Math.floor((this.width - MARGIN.left - this.right) / 90));
    const xs = (settings.across === 2 ? timeTicks : ticks)(this.left, this.far, across);
    const ys = this.log ? logTicks(this.low, this.high, 5) : ticks(this.low, this.high, 5);
    const end = this.width - this.right;
    const bottom = this.height - MARGIN.bottom;
    const name = say(["by_iteration", "by_epoch", "by_seconds"][settings.across]);
    return [
      ...ys.flatMap((y) => [
        make("svg:line", { class: "grid", x1: MARGIN.left, x2: end, y1: this.py(y), y2: this.py(y) }),
        make("svg:text", { class: "tick", x: MARGIN.left - 7, y: this.py(y) + 4, "text-anchor": "end" }, figure(y)),
      ]),
      make("svg:line", { class: "axis", x1: MARGIN.left, x2: end, y1: bottom, y2: bottom }),
      ...xs.map((x) => {
        const anchor = this.px(x) > end - 14 ? "end" : "middle";
        return make("svg:text", { class: "tick", x: this.px(x), y: bottom + 17, "text-anchor": anchor }, this.across(x));
      }),
      make("svg:text", { class: "tick", x: 2, y: bottom + 17 }, name),
    ];
  }

  /** A place, in words. */
  across(x) {
    if (settings.across === 2) return duration(x);
    return settings.across === 0 ? Math.round(x).toLocaleString("en") : figure(x);
  }

  curve(series) {
    const x = this.x(series);
    const strong = this.strong(series);
    const parts = [];
    if (series.low) parts.push(make("svg:path", { class: `band c${this.colour(series)}`, d: this.band(series, x) }));
    else if (strong !== series.mean) parts.push(this.path(series, x, series.mean, "weak"));
    parts.push(this.path(series, x, strong, "strong"));
    for (const place of series.broken ?? []) {
      const at = this.px(place[settings.across]);
      const d = `M${at - 4} ${MARGIN.top - 4}l8 8m0 -8l-8 8`;
      parts.push(make("svg:path", { class: "broken", d }, make("svg:title", {}, say("not_finite"))));
    }
    return parts;
  }

  path(series, x, values, kind) {
    const pieces = [[]];
    values.forEach((value, i) => {
      const y = value === null ? null : this.py(value);
      if (y === null) pieces.push([]);
      else pieces.at(-1).push(`${this.px(x[i]).toFixed(1)} ${y.toFixed(1)}`);
    });
    const d = pieces.filter((p) => p.length).map((p) => `M${p.join("L")}${p.length === 1 ? "h.01" : ""}`);
    return make("svg:path", { class: this.classes(series, kind), d: d.join("") });
  }

  /** From the smallest to the largest value of each bucket. A gap ends a band. */
  band(series, x) {
    const pieces = [[]];
    series.mean.forEach((_, i) => {
      const top = series.high[i] === null ? null : this.py(series.high[i]);
      const low = series.low[i] === null ? null : (this.py(series.low[i]) ?? this.height - MARGIN.bottom);
      if (top === null) pieces.push([]);
      else pieces.at(-1).push([this.px(x[i]).toFixed(1), top.toFixed(1), low.toFixed(1)]);
    });
    const drawn = pieces.filter((p) => p.length);
    return drawn
      .map((p) => {
        const back = p.toReversed().map(([at, , low]) => `${at} ${low}`);
        return `M${p.map(([at, top]) => `${at} ${top}`).join("L")}L${back.join("L")}Z`;
      })
      .join("");
  }

  /** Names at the right ends of curves, apart from one another. */
  ends() {
    if (this.right <= 10 || this.alone) return [];
    const many = DATA.runs.length > 1;
    const solid = new Set(this.shown.filter((s) => !s.dashed).map((s) => s.run));
    const found = this.shown
      .filter((s) => !many || !s.dashed || !solid.has(s.run)) // a run is named once
      .map((series) => {
        const values = this.strong(series);
        const last = values.findLastIndex((v) => v !== null && this.py(v) !== null);
        if (last < 0) return null;
        const text = many ? DATA.runs[series.run].letter : series.kind;
        return { series, text, x: this.px(this.x(series)[last]), y: this.py(values[last]) };
      })
      .filter((end) => end !== null)
      .sort((a, b) => a.y - b.y);
    const lowest = this.height - MARGIN.bottom;
    found.forEach((end, i) => {
      for (const placed of found.slice(0, i)) {
        if (Math.abs(placed.x - end.x) < 24) end.y = Math.max(end.y, placed.y + 14);
      }
    });
    [...found].reverse().forEach((end, i, all) => {
      end.y = Math.min(end.y, lowest);
      for (const placed of all.slice(0, i)) {
        if (Math.abs(placed.x - end.x) < 24) end.y = Math.min(end.y, placed.y - 14);
      }
    });
    return found.map(({ series, text, x, y }) =>
      make("svg:text", { class: `end c${this.colour(series)}`, x: x + 6, y: y + 4 }, text),
    );
  }

  // -- reading values

  listen() {
    const at = (event) => {
      const box = this.svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * this.width;
      const share = (x - MARGIN.left) / (this.width - MARGIN.left - this.right);
      this.point(this.left + Math.min(Math.max(share, 0), 1) * (this.far - this.left));
    };
    this.svg.addEventListener("pointermove", at);
    this.svg.addEventListener("pointerdown", at);
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("blur", () => this.leave());
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const [longest] = this.shown.map((s) => this.x(s)).sort((a, b) => b.length - a.length);
    if (event.key === "Escape") this.leave();
    if (!longest || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const by = event.shiftKey ? 10 : 1;
    const now = this.place === null ? longest.length : nearest(longest, this.place);
    const to = { ArrowLeft: now - by, ArrowRight: now + by, Home: 0, End: longest.length }[event.key];
    this.point(longest[Math.min(Math.max(to, 0), longest.length - 1)]);
    announce(this.tip.textContent);
  }

  leave() {
    this.place = null;
    this.tip.hidden = true;
    this.cross.replaceChildren();
  }

  /** Show the values at a place. */
  point(place) {
    this.place = place;
    const near = this.shown.map((series) => {
      const i = nearest(this.x(series), place);
      return { series, i, x: this.x(series)[i] };
    });
    if (!near.length) return;
    const best = near.reduce((a, b) => (Math.abs(b.x - place) < Math.abs(a.x - place) ? b : a));
    const spacing = (this.far - this.left) * 0.04;
    const there = near.filter(({ x }) => Math.abs(x - best.x) <= spacing);
    this.cross.replaceChildren(
      make("svg:line", { x1: this.px(best.x), x2: this.px(best.x), y1: MARGIN.top, y2: this.height - MARGIN.bottom }),
      ...there.map(({ series, i, x }) => {
        const value = this.strong(series)[i];
        const y = value === null ? null : this.py(value);
        if (y === null) return "";
        return make("svg:circle", { class: `c${this.colour(series)}`, cx: this.px(x), cy: y, r: 4 });
      }),
    );
    this.tip.replaceChildren(make("b", {}, this.placed(best)), ...there.map((found) => this.row(found, best)));
    this.tip.hidden = false;
    const share = (this.px(best.x) / this.width) * this.svg.clientWidth;
    const left = share + 14 + this.tip.offsetWidth > this.svg.clientWidth ? share - this.tip.offsetWidth - 14 : share + 14;
    this.tip.style.left = `${Math.max(left, 0)}px`;
  }

  placed({ series, i }) {
    const [iteration, epoch, seconds] = DATA.axes[series.axis].map((values) => values[i]);
    return `${say("step")} ${Math.round(iteration).toLocaleString("en")} · ${say("epoch")} ${figure(epoch)} · ${duration(seconds)}`;
  }

  row({ series, i, x }, best) {
    const value = series.mean[i];
    const swatch = make("span", { class: `dot c${this.colour(series)}` });
    const text = value === null ? say("no_values") : figure(value);
    const more = [];
    if (Math.abs(this.px(x) - this.px(best.x)) > 1) {
      more.push(say("at_step", { step: Math.round(DATA.axes[series.axis][0][i]).toLocaleString("en") }));
    }
    if (series.low && value !== null && series.low[i] !== series.high[i]) {
      more.push(say("bucket", { low: figure(series.low[i]), high: figure(series.high[i]) }));
    }
    if (series.smooth && settings.smoothing && value !== null) {
      more.push(`${say("smoothed")} ${figure(this.strong(series)[i])}`);
    }
    const small = more.length ? make("small", {}, ` ${more.join(", ")}`) : null;
    return make("div", {}, swatch, `${this.name(series)} `, make("b", { class: "value" }, text), small);
  }
}
