"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const WORDS = DATA.words;

/** A text of the page, with its gaps filled. */
function say(key, fill = {}) {
  return WORDS[key].replace(/\{(\w+)\}/g, (gap, name) => (name in fill ? String(fill[name]) : gap));
}

/** A number in four places; markup.py has the same function. */
function figure(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (value && !(size >= 1e-4 && size < 1e6)) {
    const [mantissa, exponent] = value.toExponential(3).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(4)));
}

/** A time, as a clock shows it where it is a minute or more. */
function duration(seconds) {
  if (seconds < 59.95) return `${Number(seconds.toPrecision(3))} s`;
  const whole = Math.round(seconds);
  const two = (part) => String(part).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** An element of HTML, or of SVG where `kind` has "svg:" before it; text is never markup. */
function make(kind, attributes = {}, ...content) {
  const svg = kind.startsWith("svg:");
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", kind.slice(4))
    : document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...content.filter((part) => part !== null));
  return element;
}

/** Round numbers from low to high, about `count` of them. */
function ticks(low, high, count) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => span / s <= count) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Round times: seconds, minutes, hours. */
function timeTicks(low, high, count) {
  const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  const step = steps.find((s) => (high - low) / s <= count);
  if (high - low < 120 || !step) return ticks(low, high, count);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** Powers of ten, and between them 2 and 5 where there is room; few enough to be read. */
function logTicks(low, high, count) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / count));
  const parts = last - first <= 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = first; power <= last; power += every) {
    for (const part of parts) {
      const value = Number((part * 10 ** power).toPrecision(12));
      if (value >= low * 0.999999 && value <= high * 1.000001) found.push(value);
    }
  }
  return found;
}

/** Where `value` is nearest in an ascending list. */
function nearest(list, value) {
  let [low, high] = [0, list.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle;
    else high = middle;
  }
  return Math.abs(list[low] - value) <= Math.abs(list[high] - value) ? low : high;
}

/** Say something to who hears the page. */
function announce(text) {
  document.getElementById("announce").textContent = text;
}
