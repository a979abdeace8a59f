// The backward pass, one step at a time. What it shows was computed before, and is in the page.
class Walk {
  constructor(told, graph) {
    Object.assign(this, told);
    this.graph = graph;
    this.at = 0;
    this.exact = false;
    this.timer = 0;
    this.panel = document.querySelector(".step");
    this.slider = document.querySelector("footer input");
    this.speak(document.documentElement.lang);
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("keydown", (event) => this.typed(event));
  }

  // -- going --

  go(step) {
    this.at = Math.min(this.steps.length - 1, Math.max(0, step));
    this.render();
    this.panel.scrollTop = 0;
  }

  clicked(event) {
    const button = event.target.closest("button");
    const box = event.target.closest(".box");
    if (button && button.dataset.go) this.buttons[button.dataset.go].call(this);
    else if (button && button.dataset.step) this.go(Number(button.dataset.step));
    else if (button && button.classList.contains("digits")) this.toggleDigits(button);
    else if (button && button.classList.contains("language")) this.speak(this.other());
    else if (box) {
      const step = this.steps.findIndex((s) => `b${s.box}` === box.id);
      if (step >= 0) this.go(step);
    }
  }

  get buttons() {
    return {
      first: () => this.go(0),
      back: () => this.go(this.at - 1),
      on: () => this.go(this.at + 1),
      play: () => this.play(!this.timer),
    };
  }

  typed(event) {
    const inside = event.target.closest("input, .view, .head");
    if (inside || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.steps.length - 1;
    const to = { ArrowRight: this.at + 1, ArrowLeft: this.at - 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(to);
  }

  play(on) {
    clearInterval(this.timer);
    this.timer = on ? setInterval(() => {
      this.go(this.at + 1);
      if (this.at === this.steps.length - 1) this.play(false);
    }, 1600) : 0;
    const button = document.querySelector("[data-go=play]");
    button.classList.toggle("playing", on);
    button.dataset.title = on ? "pause" : "play";
    this.label();
  }

  // -- words --

  say(word, values = {}) {
    return this.words[this.language][word].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  other() {
    const languages = Object.keys(this.words);
    return languages[(languages.indexOf(this.language) + 1) % languages.length];
  }

  speak(language) {
    this.language = document.documentElement.lang = language;
    document.querySelector("button.language").textContent = this.words[this.other()].language;
    document.title = this.say("walk");
    this.label();
    this.go(this.at);
  }

  label() {
    for (const element of document.querySelectorAll("[data-word]")) {
      element.textContent = this.say(element.dataset.word);
    }
    for (const element of document.querySelectorAll("[data-title]")) {
      element.title = this.say(element.dataset.title);
      element.setAttribute("aria-label", element.title);
    }
  }

  toggleDigits(button) {
    this.exact = !this.exact;
    button.setAttribute("aria-pressed", String(this.exact));
    this.render();
  }

  // -- one step --

  render() {
    const step = this.steps[this.at];
    const n = this.steps.length;
    this.slider.value = this.at;
    this.slider.setAttribute("aria-valuetext", this.say("of", { i: this.at + 1, n }));
    document.querySelector(".count").textContent = `${this.at + 1} / ${n}`;
    for (const [go, off] of [["first", !this.at], ["back", !this.at], ["on", this.at === n - 1]]) {
      document.querySelector(`[data-go=${go}]`).disabled = off;
    }
    this.panel.replaceChildren(...(step.name ? this.operator(step) : this.leaf(step)));
    const sources = step.operands.filter((o) => o.gradient !== null).map((o) => o.box);
    const done = this.steps.slice(0, this.at).map((s) => `b${s.box}`);
    this.graph.show(`b${step.box}`, sources, done);
  }

  operator(step) {
    const path = this.titles[step.box].slice(0, -step.name.length).replace(/: $/, "");
    const where = path ? [element("p", "where", this.say("layer", { path }))] : [];
    const parts = [...where, element("h2", "", step.name), this.formula(step)];
    if (!this.at) parts.push(element("p", "note", this.say("start")));
    parts.push(element("h3", "", this.say("arrives")), this.cards(step.arrived, (a) => this.arrival(a)));
    parts.push(element("h3", "", this.say("sends")), this.cards(step.operands, (o) => this.sent(o)));
    if (this.codes[step.code]) {
      const code = element("details");
      code.append(element("summary", "", this.say("code")), element("pre", "", this.codes[step.code]));
      parts.push(code);
    }
    return parts;
  }

  leaf(step) {
    const name = this.titles[step.box];
    const card = this.arrival(step.arrived[0]);
    card.classList.add("full");
    const told = [this.say("complete", { name }), this.say("learn")].join(" ");
    return [element("h2", "", name), element("p", "", told), this.cards([card], (c) => c)];
  }

  formula(step) {
    const list = element("dl", "formula");
    const add = (word, content) => {
      const meaning = element("dd");
      meaning.append(...content);
      list.append(element("dt", "", this.say(word)), meaning);
    };
    if (step.formula) add("formula", quoted(step.formula));
    if (step.rule) {
      const sentence = step.rule[this.language === "zh" ? 2 : 1];
      add("rule", [element("div", "rule", step.rule[0]), element("div", "", sentence)]);
    }
    if (!/\(\)$/.test(step.repr)) add("operator", [element("code", "", step.repr)]);
    return list;
  }

  cards(items, make) {
    const list = element("div", "cards");
    list.append(...items.map(make));
    return list;
  }

  // The gradient that arrived for a result or a leaf, as a sum if there are several parts.
  arrival(arrived) {
    const card = element("section", "card arrived");
    const head = element("h4");
    head.append(element("code", "", `\u2202L/\u2202${arrived.name}`));
    head.append(element("span", "", this.numbers[arrived.gradient].shape));
    if (arrived.parts.length === 1) head.append(this.link(arrived.parts[0], "from"));
    card.append(head);
    if (arrived.parts.length > 1) {
      card.append(element("p", "note", this.say("sum", { n: arrived.parts.length })));
      card.append(this.sum(arrived.parts));
    }
    card.append(this.pair(arrived));
    return card;
  }

  sum(parts) {
    const row = element("div", "sum");
    parts.forEach((part, i) => {
      if (i) row.append(element("span", "sign", "+"));
      row.append(this.array(part[2], "gradient", this.source(part)));
    });
    row.append(element("span", "sign", "="));
    return row;
  }

  // Where a part came from, as text.
  source([step, operand]) {
    const from = this.steps[step];
    const what = this.titles[from.box];
    const { name } = from.operands[operand];
    return this.say("from", { what: this.say("goes", { name, what, step: step + 1 }) });
  }

  link(part) {
    const button = element("button", "link", this.source(part));
    button.type = "button";
    button.dataset.step = part[0];
    return button;
  }

  // What an operand gets.
  sent(operand) {
    const card = element("section", "card sent");
    const head = element("h4");
    const sends = operand.gradient !== null;
    head.append(element("code", "", sends ? `\u2202L/\u2202${operand.name}` : operand.name));
    const array = this.numbers[operand.gradient ?? operand.value];
    if (array) head.append(element("span", "", array.shape));
    if (operand.box !== null) {
      const what = this.titles[operand.box];
      head.append(element("span", "", sends ? this.say("to", { what }) : what));
    }
    if (!sends) head.append(element("span", "", this.say("none")));
    card.append(head);
    if (operand.wide) card.append(element("p", "note", this.say("wide", { shape: operand.wide })));
    card.append(this.pair(operand));
    return card;
  }

  pair({ name, value, gradient }) {
    const pair = element("div", "pair");
    if (gradient !== null) pair.append(this.array(gradient, "gradient", this.say("gradient")));
    if (value !== null) pair.append(this.array(value, "value", `${this.say("value")} ${name}`));
    else if (gradient !== null) {
      pair.append(element("p", "note", `${this.say("value")} ${name}: ${this.say("unknown")}`));
    }
    return pair;
  }

  // -- arrays --

  array(index, kind, title) {
    const array = this.numbers[index];
    const figure = element("figure", `array ${kind}`);
    const caption = element("figcaption");
    caption.append(element("b", "", title));
    if (!array.whole && array.tables.length) {
      caption.append(` \u00b7 ${this.say("corner", { shape: array.shape })}`);
    }
    if (!array.size) caption.append(` \u00b7 ${this.say("empty")}`);
    figure.append(caption);
    const largest = this.largest(array);
    for (const [at, rows] of array.tables) {
      const scroll = element("div", "scroll");
      scroll.append(this.table(array, at, rows, largest));
      figure.append(scroll);
    }
    figure.append(this.figures(array));
    const pictures = element("div", "pictures");
    if (array.counts.length) pictures.append(this.histogram(array));
    if (array.heat.length) pictures.append(this.heat(array.heat));
    figure.append(pictures);
    return figure;
  }

  largest({ figures, tables }) {
    const known = [figures.min, figures.max].filter((x) => x !== undefined).map(Number);
    const shown = known.length ? known : tables.flatMap(([, rows]) => rows.flat().map(Number));
    return Math.max(...shown.map(Math.abs).filter(Number.isFinite), 0);
  }

  table(array, at, rows, largest) {
    const table = element("table", "numbers");
    if (at) table.append(element("caption", "", at));
    const [height, width] = [-2, -1].map((i) => Number(array.shape.match(/\d+/g)?.at(i) ?? 1));
    for (const row of rows) {
      const line = element("tr");
      for (const text of row) line.append(this.cell(text, largest));
      if (row.length < width) line.append(element("td", "more", "\u2026"));
      table.append(line);
    }
    if (rows.length < height && /,\s*\d/.test(array.shape)) {
      const line = element("tr");
      line.append(element("td", "more", "\u22ee"));
      table.append(line);
    }
    return table;
  }

  cell(text, largest) {
    const value = Number(text);
    const cell = element("td", value > 0 ? "plus" : value < 0 ? "minus" : "", this.number(text));
    const part = Number.isFinite(value) && largest ? Math.abs(value) / largest : 1;
    cell.style.setProperty("--part", (0.06 + 0.5 * part).toFixed(3));
    cell.title = text;
    return cell;
  }

  // As many digits as there are, or four.
  number(text) {
    const value = Number(text);
    if (this.exact || !Number.isFinite(value) || !/[.e]/.test(text)) return text;
    const size = Math.abs(value);
    if (size && (size < 1e-3 || size >= 1e5)) return value.toExponential(2).replace("e+", "e");
    return String(Number(value.toPrecision(4)));
  }

  figures(array) {
    const line = element("div", "figures");
    for (const [word, text] of Object.entries(array.size > 1 ? array.figures : {})) {
      const item = element("span", "", `${this.say(word)} `);
      item.append(element("b", "", this.number(text)));
      line.append(item);
    }
    if (array.zeros && array.size > 12) {
      line.append(element("span", "", this.say("zeros", { n: array.zeros, size: array.size })));
    }
    if (array.strange) {
      line.append(element("span", "bad", this.say("strange", { n: array.strange })));
    }
    return line;
  }

  // Each pixel is a block of the matrix, in the colour of its number that is largest in size.
  heat(rows) {
    const canvas = element("canvas", "heat");
    [canvas.width, canvas.height] = [rows[0].length, rows.length];
    canvas.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
    canvas.setAttribute("role", "img");
    canvas.title = this.say("heat");
    canvas.setAttribute("aria-label", canvas.title);
    const style = getComputedStyle(document.documentElement);
    const [plus, minus] = ["--plus", "--minus"].map((name) => style.getPropertyValue(name));
    const context = canvas.getContext("2d");
    rows.forEach((row, y) => [...row].forEach((tone, x) => {
      const part = (tone.charCodeAt(0) - "j".charCodeAt(0)) / 9;
      context.fillStyle = tone === "?" ? "#d0021b"
        : `rgba(${part > 0 ? plus : minus}, ${Math.abs(part).toFixed(2)})`;
      context.fillRect(x, y, 1, 1);
    }));
    return canvas;
  }

  histogram({ counts, figures }) {
    const [width, height] = [216, 44];
    const most = Math.max(...counts);
    const step = width / counts.length;
    const bars = counts.map((count, i) => {
      const tall = count ? Math.max(1, (count / most) * height) : 0;
      return `<rect x="${(i * step).toFixed(1)}" y="${(height - tall).toFixed(1)}" ` +
        `width="${(step - 1).toFixed(1)}" height="${tall.toFixed(1)}"/>`;
    });
    const zero = (-figures.min / (figures.max - figures.min)) * width;
    if (zero > 0 && zero < width) {
      bars.push(`<line x1="${zero.toFixed(1)}" x2="${zero.toFixed(1)}" y1="0" y2="${height}"/>`);
    }
    const holder = element("div");
    holder.innerHTML = `<svg class="bars" viewBox="0 0 ${width} ${height}" role="img" ` +
      `aria-label="${this.say("histogram")}">${bars.join("")}</svg>`;
    return holder.firstElementChild;
  }
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

// Text in which ``this`` is code.
function quoted(text) {
  return text.split("``").map((part, i) => (i % 2 ? element("code", "", part) : part));
}

const walk = new Walk(
  JSON.parse(document.getElementById("told").textContent),
  new Graph(document.querySelector(".graph")),
);
