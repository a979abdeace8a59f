"use strict";

// A graph on a page: folds layers, draws the arrows, zooms, and shows what is at work.
class Graph {
  constructor(root) {
    this.root = root;
    this.view = root.querySelector(".view");
    this.sized = root.querySelector(".sized");
    this.canvas = root.querySelector(".canvas");
    this.arrows = root.querySelector(".arrows");
    this.links = JSON.parse(root.querySelector(".links").textContent);
    this.scale = 1;
    this.flow = null; // {at: name, from: [boxes]}: what is shown as at work
    root.addEventListener("click", (event) => this.clicked(event));
    this.view.addEventListener("keydown", (event) => this.typed(event));
    this.watchPointers();
    addEventListener("resize", () => this.draw());
    addEventListener("beforeprint", () => this.draw(Math.min(1, 690 / this.canvas.offsetWidth)));
    addEventListener("afterprint", () => this.draw());
    this.fit();
  }

  // -- folding --

  clicked(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.classList.contains("head")) {
      this.fold(button.parentNode, button.parentNode.classList.contains("open"), button);
    } else if (button.dataset.do === "in" || button.dataset.do === "out") {
      this.zoom(button.dataset.do === "in" ? 1.25 : 0.8);
    } else if (button.dataset.do === "fit") {
      this.fit();
    } else {
      const closed = button.dataset.do === "fold";
      for (const group of this.root.querySelectorAll(".group")) this.set(group, closed);
      this.fit();
    }
  }

  set(group, closed) {
    group.classList.toggle("open", !closed);
    group.firstElementChild.setAttribute("aria-expanded", String(!closed));
  }

  // Folds or unfolds a layer; its head stays where it is seen.
  fold(group, closed, head) {
    const before = head.getBoundingClientRect();
    this.set(group, closed);
    this.draw();
    const after = head.getBoundingClientRect();
    this.view.scrollBy(after.left - before.left, after.top - before.top);
  }

  // -- arrows --

  // What stands for an item: itself, or the place in an open layer's frame where the arrow from
  // a box enters ("i") or leaves ("o").
  standsFor(name, side, box) {
    const element = document.getElementById(name);
    if (name[0] !== "g" || !element.classList.contains("open")) return element;
    return document.getElementById(`${side}${box}.${name.slice(1)}`) || element;
  }

  place(element) {
    const outer = this.canvas.getBoundingClientRect();
    const box = element.getBoundingClientRect();
    const at = (value, start) => (value - start) / this.scale;
    return {
      x: at(box.left + box.width / 2, outer.left),
      top: at(box.top, outer.top),
      bottom: at(box.bottom, outer.top),
    };
  }

  // On paper of another scale than the screen's: 690 pixels are the width of a sheet of A4.
  draw(scale = this.scale) {
    const kept = this.scale;
    this.scale = scale;
    this.canvas.style.transform = `scale(${scale})`;
    const parts = [];
    for (const [group, links] of Object.entries(this.links)) {
      const frame = group === "0" ? this.canvas : document.getElementById(`g${group}`);
      if (frame !== this.canvas && this.isHidden(frame)) continue;
      const drawn = new Set();
      const flows = this.onTheWay(links);
      links.forEach(([boxes, from, to], i) => {
        for (const box of boxes) this.arrow(box, from, to, flows.has(i), parts, drawn);
      });
    }
    this.arrows.innerHTML = parts.join("");
    this.sized.style.width = `${this.canvas.offsetWidth * scale}px`;
    this.sized.style.height = `${this.canvas.offsetHeight * scale}px`;
    this.scale = kept;
  }

  isHidden(group) {
    for (let g = group; g; g = g.parentNode.closest(".group")) {
      if (!g.classList.contains("open")) return true;
    }
    return false;
  }

  // A piece of an arrow; its tip, where it ends at a box or at a closed layer.
  arrow(box, from, to, flows, parts, drawn) {
    const last = this.standsFor(to, "i", box);
    const start = this.place(this.standsFor(from, "o", box));
    const end = this.place(last);
    const isEnd = !last.matches(".port, .bend");
    const stop = isEnd ? end.top - 6 : end.top;
    const middle = (start.bottom + stop) / 2;
    const at = (x, y) => `${x.toFixed(1)} ${y.toFixed(1)}`;
    let path = `M${at(start.x, start.bottom)}C${at(start.x, middle)} ${at(end.x, middle)} ` +
      at(end.x, stop);
    if (to[0] === "x") path += `V${end.bottom.toFixed(1)}`;
    const came = this.flow && this.flow.at === `b${box}`;
    const name = flows ? "flows" : came ? "came" : "";
    if (drawn.has(path)) return;
    drawn.add(path);
    parts.push(`<path class="${name}" data-from="${box}" d="${path}"/>`);
    if (!isEnd) return;
    parts.push(`<path class="tip ${name}" d="M${at(end.x - 3.5, stop)}L${at(end.x, end.top)}` +
      `L${at(end.x + 3.5, stop)}Z"/>`);
  }

  // -- what is at work --

  // The places of the links along which a gradient flows: those that end at what is at work, and
  // the ones before, bend by bend.
  onTheWay(links) {
    const way = new Set();
    if (!this.flow) return way;
    const into = new Map();
    links.forEach(([, , to], i) => { if (to[0] === "x") into.set(to, i); });
    links.forEach(([boxes, , to], i) => {
      if (to[0] === "x" || !this.leads(boxes, to)) return;
      for (let k = i; k !== undefined; k = into.get(links[k][1])) way.add(k);
    });
    return way;
  }

  leads(boxes, to) {
    if (!boxes.some((box) => this.flow.from.includes(box))) return false;
    const work = document.getElementById(this.flow.at);
    if (to[0] === "o") { // it leaves a layer: does it lead to what is at work?
      return !document.getElementById(`g${to.split(".")[1]}`).contains(work);
    }
    return document.getElementById(to).contains(work);
  }

  // Marks a box, unfolds the layers around it, and shows the arrows from some boxes to it.
  show(name, from, done) {
    for (const group of this.root.querySelectorAll(".group.shown")) {
      group.classList.remove("shown");
      this.set(group, true);
    }
    for (const marked of this.root.querySelectorAll(".at, .done")) {
      marked.classList.remove("at", "done");
    }
    for (const each of done) document.getElementById(each).classList.add("done");
    this.flow = { at: name, from };
    const box = document.getElementById(name);
    for (let g = box.closest(".group"); g; g = g.parentNode.closest(".group")) {
      if (!g.classList.contains("open")) {
        g.classList.add("shown");
        this.set(g, false);
      }
    }
    box.classList.add("at");
    this.draw();
    this.bring(box);
  }

  // Scrolls so that an element is in the middle.
  bring(element) {
    const view = this.view.getBoundingClientRect();
    const box = element.getBoundingClientRect();
    this.view.scrollBy({
      left: box.left + box.width / 2 - view.left - view.width / 2,
      top: box.top + box.height / 2 - view.top - view.height / 2,
      behavior: "instant",
    });
  }

  // -- zoom --

  // Scales by a factor; the point (x, y) of the window stays where it is.
  zoom(factor, x, y) {
    const view = this.view.getBoundingClientRect();
    const [px, py] = [x ?? view.left + view.width / 2, y ?? view.top + view.height / 2];
    const before = this.canvas.getBoundingClientRect();
    const [u, v] = [(px - before.left) / this.scale, (py - before.top) / this.scale];
    this.scale = Math.min(3, Math.max(0.08, this.scale * factor));
    this.draw();
    const after = this.canvas.getBoundingClientRect();
    this.view.scrollBy(after.left + u * this.scale - px, after.top + v * this.scale - py);
  }

  // As large as fits the width, but readable; a tall graph is scrolled.
  fit() {
    const wide = (this.view.clientWidth - 4) / this.canvas.offsetWidth;
    const tall = (this.view.clientHeight - 4) / this.canvas.offsetHeight;
    this.scale = Math.min(1.15, Math.max(Math.min(wide, tall), Math.min(wide, 0.75), 0.3));
    this.draw();
    this.view.scrollTo((this.sized.offsetWidth - this.view.clientWidth) / 2, 0);
  }

  typed(event) {
    if (event.target !== this.view) return;
    const keys = { "+": 1.25, "=": 1.25, "-": 0.8 };
    if (keys[event.key]) this.zoom(keys[event.key]);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  // One pointer drags (fingers scroll by themselves), two pinch, Ctrl and the wheel zoom.
  watchPointers() {
    const down = new Map();
    let spread = 0;
    this.view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
    }, { passive: false });
    this.view.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && (event.button || event.target.closest("button"))) return;
      down.set(event.pointerId, event);
      spread = 0;
    });
    addEventListener("pointermove", (event) => {
      const old = down.get(event.pointerId);
      if (!old || event.pointerType !== "mouse") return;
      this.view.classList.add("dragged");
      this.view.scrollBy(old.clientX - event.clientX, old.clientY - event.clientY);
      down.set(event.pointerId, event);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      addEventListener(kind, (event) => {
        down.delete(event.pointerId);
        this.view.classList.remove("dragged");
      });
    }
    this.view.addEventListener("touchmove", (event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      const [a, b] = event.touches;
      const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (spread) this.zoom(now / spread, (a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2);
      spread = now;
    }, { passive: false });
    this.view.addEventListener("touchend", () => { spread = 0; });
  }
}
