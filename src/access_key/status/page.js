"use strict";
const $ = id => document.getElementById(id);
const POLL = 2000, LIMIT = 25;
const state = { zone: null, zones: [], history: "5m", paused: false, chosen: null, filter: "",
                sort: { column: "requests", down: true }, page: 1, polls: 0, known: new Map(), slots: new Map(), failures: 0 };

// Elements: make("td", { className: "x" }, child, "text")
const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};
const draw = (name, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };

// Numbers and times.
const whole = new Intl.NumberFormat("en");
const scaled = (n, base, units) => {
  let unit = 0;
  while (n >= base * .9995 && unit < units.length - 1) { n /= base; unit++; }
  const digits = unit === 0 ? (Number.isInteger(n) || n >= 100 ? 0 : n >= 10 ? 1 : 2) : n >= 100 ? 0 : n >= 10 ? 1 : 2;
  return n.toLocaleString("en", { maximumFractionDigits: digits }) + units[unit];
};
const count = n => n < 1e5 && Number.isInteger(n) ? whole.format(n) : scaled(n, 1000, ["", " k", " M", " G", " T"]);
const bytes = n => scaled(n, 1024, [" B", " KiB", " MiB", " GiB", " TiB", " PiB"]);
const amount = { requests: count, bytes };
const clock = (time, seconds) => new Date(time * 1000).toLocaleTimeString([], { hourCycle: "h23", hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
const span = s => s < 60 ? `${Math.max(0, Math.round(s))} s` : s < 3600 ? `${Math.round(s / 60)} min`
  : s < 172800 ? `${Math.floor(s / 3600)} h${s % 3600 < 60 ? "" : ` ${Math.floor(s % 3600 / 60)} min`}` : `${Math.round(s / 86400)} days`;
const ago = (time, now) => time === null ? "never" : now - time < 2 ? "now" : `${span(now - time)} ago`;

// What the table shows of a partner.
const errors = p => p.responses["4xx"] + p.responses["5xx"];
const step = () => state.zone.history?.step ?? 5;
const lastOf = list => { for (let i = list.length; i-- > list.length - 3;) if (list[i] != null) return list[i]; return 0; };
const rate = p => p.history ? lastOf(p.history.requests) / step() : 0;
const total = w => w.used + w.remote;
const share = w => w.limit ? total(w) / w.limit : 0;
const within = w => w.end === null ? "in all" : `per ${w.per}`;
const tightest = p => p.windows.filter(w => w.limit !== null).reduce((a, b) => a && share(a) >= share(b) ? a : b, null);
const alertOf = p => Math.max(0, ...p.windows.map(w => w.alert ?? 0));
const COLUMNS = [
  { key: "id", name: "Partner", value: p => p.id },
  { key: "trend", name: "Trend" },
  { key: "requests", name: "Requests", value: p => p.requests, show: count },
  { key: "rate", name: "Rate", value: rate, show: n => `${count(n)}/s` },
  { key: "bytes_sent", name: "Sent", value: p => p.bytes_sent, show: bytes },
  { key: "errors", name: "Errors", value: errors, show: count },
  { key: "refused", name: "Refused", value: p => p.refused, show: count },
  { key: "quota", name: "Quota", value: p => { const w = tightest(p); return w ? share(w) : -1; } },
  { key: "last", name: "Last request", value: p => p.last_use ?? 0 },
];

// Colours stay with a partner as long as it is among the busiest.
const colour = id => state.slots.has(id) ? `var(--s${state.slots.get(id)})` : "var(--other)";
function assignColours() {
  const top = new Set(state.zone.page.busiest.map(p => p.id));
  for (const id of state.slots.keys()) if (!top.has(id)) state.slots.delete(id);
  const used = new Set(state.slots.values());
  for (const id of [...top].sort()) {
    if (state.slots.has(id)) continue;
    const slot = [...Array(6).keys()].find(n => !used.has(n));
    used.add(slot);
    state.slots.set(id, slot);
  }
}

function seriesOf(kind) {
  const { busiest, sums } = state.zone.page, chosen = state.zone.partners.find(p => p.id === state.chosen);
  const shown = [...busiest, ...chosen && !state.slots.has(chosen.id) ? [chosen] : []].filter(p => p.history)
    .map(p => ({ id: p.id, values: p.history[kind] }));
  const others = sums.partners - shown.length;
  if (others > 0 && sums.history) {
    const values = sums.history[kind].map((all, i) => all === null ? null
      : Math.max(0, shown.reduce((rest, s) => rest - (s.values[i] ?? 0), all)));
    shown.push({ id: plural(others), values, others: true });
  }
  return shown.map(s => ({ ...s, values: s.values.map(v => v === null ? null : v / step()) }));
}

const path = (values, x, y) => {
  let d = "", pen = false;
  values.forEach((v, i) => {
    if (v === null) { pen = false; return; }
    d += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = true;
  });
  return d;
};

function ceiling(value, base) {
  if (value <= 0) return 1;
  let unit = 1;
  while (unit * base <= value) unit *= base;
  const scale = 10 ** Math.floor(Math.log10(value / unit));
  return unit * scale * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find(n => n * scale >= value / unit * .9999);
}

class Plot {
  constructor(kind, svg, format, base) {
    Object.assign(this, { kind, svg, format, base, at: null, tip: svg.parentElement.querySelector(".tip") });
    new ResizeObserver(() => this.draw()).observe(svg);
    svg.addEventListener("pointermove", event => this.point(event.offsetX));
    svg.addEventListener("pointerleave", () => this.look(null));
    svg.addEventListener("blur", () => this.look(null));
    svg.addEventListener("keydown", event => {
      const last = (this.length ?? 1) - 1, at = this.at ?? last + 1;
      const to = { ArrowLeft: Math.max(0, at - 1), ArrowRight: Math.min(last, at + 1), Home: 0, End: last, Escape: null }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.look(to);
    });
  }

  point(x) {
    if (this.length) this.look(Math.max(0, Math.min(this.length - 1, Math.round((x - this.left) / this.wide * (this.length - 1)))));
  }

  look(at) { this.at = at; this.draw(); }

  draw() {
    const { svg } = this, zone = state.zone, width = svg.clientWidth, height = svg.clientHeight;
    if (!zone?.history || !width) return;
    const series = seriesOf(this.kind), { end } = zone.history, each = step();
    const length = this.length = series[0]?.values.length ?? 60;
    const max = ceiling(Math.max(0, ...series.flatMap(s => s.values.filter(v => v !== null))), this.base);
    const labels = [0, .25, .5, .75, 1].map(f => [f * max, f % .5 ? "" : this.format(f * max)]);
    const left = this.left = 12 + 6.3 * Math.max(...labels.map(l => l[1].length)), top = 12, foot = 22, right = 10;
    const wide = this.wide = width - left - right, high = height - top - foot;
    const x = i => left + wide * (length > 1 ? i / (length - 1) : 1), y = v => top + high * (1 - v / max);
    const parts = [];
    for (const [value, label] of labels) {
      parts.push(draw("line", { class: value ? "grid" : "axis", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
      if (label) parts.push(draw("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, label));
    }
    const every = length * each > 600 ? (wide < 380 ? 1200 : 600) : (wide < 260 ? 120 : 60);
    for (let i = 0; i < length; i++) {
      const time = end - (length - 1 - i) * each;
      if (time % every === 0 && x(i) > left + 14 && x(i) < width - 20) parts.push(draw("text", { x: x(i), y: height - 5, "text-anchor": "middle" }, clock(time)));
    }
    for (const s of series) {
      const stroke = s.others ? "var(--other)" : colour(s.id);
      const faded = state.chosen !== null && s.id !== state.chosen ? " faded" : "";
      const line = path(s.values, x, y);
      if (!line) continue;
      if (s.id === state.chosen || series.length === 1) {
        const known = s.values.map((v, i) => v === null ? -1 : i).filter(i => i >= 0);
        parts.push(draw("path", { class: "area", fill: stroke, d: `${line.replace(/(?!^)M/g, "L")}L${x(known.at(-1))} ${y(0)}L${x(known[0])} ${y(0)}Z` }));
      }
      const lone = s.values.every((v, i) => v === null || (s.values[i - 1] ?? null) === null && (s.values[i + 1] ?? null) === null);
      parts.push(draw("path", { class: "series" + faded, stroke, d: lone ? line.replace(/M(\S+ \S+?)(?=M|$)/g, "M$1h.1") : line, "data-partner": s.others ? "" : s.id }));
    }
    if (!series.some(s => s.values.some(v => v !== null)))
      parts.push(draw("text", { x: left + wide / 2, y: top + high / 2, "text-anchor": "middle" }, "no history yet: the first interval is being counted"));
    if (this.at !== null && this.at < length) parts.push(draw("line", { class: "cross", x1: x(this.at), x2: x(this.at), y1: top, y2: top + high }));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren(...parts);
    const peak = series.map(s => `${s.id}: up to ${this.format(Math.max(0, ...s.values.filter(v => v !== null)))} per second`);
    svg.setAttribute("aria-label", `${this.kind === "requests" ? "Requests" : "Bytes sent"} over the last ${span(length * each)}. ${peak.join("; ")}. Arrow keys read values.`);
    this.explain(series, x, end - (length - 1 - (this.at ?? 0)) * each, each, width);
  }

  explain(series, x, time, each, width) {
    const { tip, at } = this;
    tip.hidden = at === null || at >= this.length;
    if (tip.hidden) return;
    const rows = series.map(s => [s, s.values[at]]).filter(([, v]) => v !== null).sort((a, b) => b[1] - a[1]);
    tip.replaceChildren(make("div", { className: "soft" }, `${clock(time - each, each < 60)} \u2013 ${clock(time, each < 60)}`),
      ...rows.map(([s, v]) => {
        const swatch = make("span", { className: "swatch" });
        swatch.style.background = s.others ? "var(--other)" : colour(s.id);
        return make("div", {}, swatch, make("span", {}, s.id), make("span", {}, `${this.format(v)}/s`));
      }), ...rows.length ? [] : [make("div", {}, "not counted")]);
    tip.setAttribute("role", "status");
    const middle = x(at), room = tip.offsetWidth + 14;
    tip.style.left = `${16 + (middle + room > width ? Math.max(0, middle - room) : middle + 14)}px`;
    tip.style.top = "3rem";
  }
}
const plots = [new Plot("requests", $("plot-requests"), count, 1000), new Plot("bytes_sent", $("plot-bytes"), bytes, 1024)];

function bar(part) {
  const fill = make("i"), track = make("span", { className: "bar" }, fill);
  fill.style.width = `${Math.min(100, part * 100)}%`;
  track.dataset.level = part >= 1 ? "bad" : part >= .8 ? "warn" : "good";
  return track;
}

function detail(p) {
  const now = state.zone.time, line = (name, value) => make("p", {}, make("span", { className: "soft" }, name), make("span", {}, value));
  const quotas = p.windows.filter(w => w.limit !== null).map(w => {
    const show = amount[w.quantity], remote = w.remote ? ` (${show(w.used)} here, ${show(w.remote)} elsewhere)` : "";
    return make("div", {}, line(`${w.quantity} ${within(w)}`, `${show(total(w))} of ${show(w.limit)}${remote}`), bar(share(w)),
      make("p", { className: "soft" }, w.end === null ? "paid ahead" : `a new ${w.per} begins in ${span(w.end - now)}`));
  });
  const free = p.windows.filter(w => w.limit === null && ["day", "month"].includes(w.per))
    .map(w => line(`${w.quantity} this ${w.per}`, amount[w.quantity](total(w))));
  const classes = Object.entries(p.responses).filter(([, n]) => n).map(([name, n]) => line(`${name} responses`, whole.format(n)));
  return make("div", { className: "grid2" }, ...quotas, ...free.length ? [make("div", {}, ...free)] : [], make("div", {}, ...classes, line("refused by quota", whole.format(p.refused))),
    make("div", {}, line("sent", bytes(p.bytes_sent)), line("received", bytes(p.bytes_received)),
      make("p", {}, make("a", { href: `#${p.id}` }, "By day")),
      line("first request", p.first_use === null ? "never" : new Date(p.first_use * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" })),
      line("last request", ago(p.last_use, now))));
}

const rows = new Map();
function newRow(id) {
  const swatch = make("span", { className: "swatch" }), badge = make("span", { className: "badge", hidden: true }, "disabled");
  const alert = make("span", { className: "badge alert", hidden: true });
  const name = make("button", { type: "button", title: id, onclick: () => choose(id) }, swatch, make("span", {}, id), badge, alert);
  const row = make("tr"), more = make("tr", { className: "detail", hidden: true }), cells = {};
  row.dataset.partner = id;
  for (const { key } of COLUMNS) {
    const cell = cells[key] = make(key === "id" ? "th" : "td", { className: key === "quota" ? "c-quota quota" : `c-${key}` }, ...key === "id" ? [name] : []);
    if (key === "id") cell.scope = "row";
    cell.dataset.column = key;
    row.append(cell);
  }
  const trend = draw("path"), spark = draw("svg", { class: "spark", viewBox: "0 0 104 26", "aria-hidden": "true" }, trend);
  cells.trend.append(spark);
  const place = make("td");
  more.append(place);
  more.id = `detail-${encodeURIComponent(id)}`;
  name.setAttribute("aria-controls", more.id);
  return { row, more, place, cells, name, swatch, badge, alert, trend };
}

function fillRow(r, p) {
  for (const { key, value, show } of COLUMNS) {
    if (!show) continue;
    const n = value(p);
    r.cells[key].dataset.value = n;
    r.cells[key].title = whole.format(n);
    setText(r.cells[key], show(n));
  }
  r.cells.errors.classList.toggle("bad", p.responses["5xx"] > 0);
  r.cells.refused.classList.toggle("warn", p.refused > 0);
  r.cells.last.dataset.value = p.last_use ?? 0;
  setText(r.cells.last, ago(p.last_use, state.zone.time));
  r.row.classList.toggle("off", p.disabled);
  r.badge.hidden = !p.disabled;
  const alerted = alertOf(p);
  r.alert.hidden = !alerted;
  r.alert.dataset.level = alerted >= 100 ? "bad" : "warn";
  setText(r.alert, alerted ? `${alerted}%` : "");
  r.alert.title = alerted ? `an alert was told at ${alerted}% of a quota` : "";
  r.swatch.style.background = colour(p.id);
  const tight = tightest(p);
  const told = tight && `${total(tight)} ${tight.limit} ${tight.quantity} ${tight.per}`;
  if (r.told !== told) {
    r.told = told;
    const show = tight && amount[tight.quantity];
    r.cells.quota.replaceChildren(...tight ? [make("span", {}, show(total(tight)), make("span", { className: "of" }, ` of ${show(tight.limit)} ${within(tight)}`)),
      bar(share(tight))] : [make("span", { className: "soft" }, "none")]);
    r.cells.quota.dataset.value = tight ? total(tight) : "";
  }
  if (p.history) {
    const values = p.history.requests, max = Math.max(1, ...values.map(v => v ?? 0));
    r.trend.setAttribute("d", path(values, i => 1 + 102 * i / Math.max(1, values.length - 1), v => 24 - 22 * v / max));
  }
  const open = state.chosen === p.id;
  r.name.setAttribute("aria-expanded", open);
  r.more.hidden = !open;
  if (!open) return;
  // As wide as what is shown: more columns would take room from the others.
  r.place.colSpan = [...$("head").children].filter(th => th.offsetParent !== null).length;
  r.place.replaceChildren(detail(p));
}

function showTable() {
  const { column, down } = state.sort, { partners, page } = state.zone;
  for (const id of rows.keys()) if (!partners.some(p => p.id === id)) rows.delete(id);
  const focused = document.activeElement, wanted = [];
  for (const p of partners) {
    if (!rows.has(p.id)) rows.set(p.id, newRow(p.id));
    const r = rows.get(p.id);
    fillRow(r, p);
    wanted.push(r.row, r.more);
  }
  const body = $("rows");
  if (wanted.length !== body.children.length || wanted.some((row, i) => body.children[i] !== row)) {
    body.replaceChildren(...wanted);
    if (focused !== document.activeElement && body.contains(focused)) focused.focus({ preventScroll: true });
  }
  const all = page.sums.partners, pages = Math.max(1, Math.ceil(page.matching / page.limit));
  setText($("count"), page.matching === all ? whole.format(all) : `${whole.format(page.matching)} of ${whole.format(all)}`);
  $("pages").hidden = pages < 2;
  setText($("where"), `Page ${whole.format(page.number)} of ${whole.format(pages)}`);
  $("before").disabled = page.number <= 1;
  $("after").disabled = page.number >= pages;
  $("empty").hidden = partners.length > 0;
  setText($("empty"), all ? "No partner has such a name." : "The key file names no partners.");
  for (const th of $("head").children) {
    if (th.dataset.column === column) th.setAttribute("aria-sort", down ? "descending" : "ascending"); else th.removeAttribute("aria-sort");
  }
}

// What is wrong, where something is.
const TROUBLES = { key_file: "the key file can't be used, older keys hold", state: "the counters can't be saved", redis: "Redis does not answer" };
function showHealth() {
  const bad = Object.keys(TROUBLES).filter(name => state.zone.health?.[name] === false);
  $("health").hidden = !bad.length;
  setText($("health"), bad.map(name => TROUBLES[name]).join("; "));
}

function showTiles() {
  const { sums } = state.zone.page, recent = kind => (sums.history ? lastOf(sums.history[kind]) : 0) / step();
  const tiles = { requests: [sums.requests, count, `${count(recent("requests"))} per second`],
    bytes_sent: [sums.bytes_sent, bytes, `${bytes(recent("bytes_sent"))} per second`],
    refused: [sums.refused, count, `${whole.format(sums.limited)} of ${whole.format(sums.partners)} partners`],
    active: [sums.active, count, `of ${whole.format(sums.partners)} in ${state.history === "5m" ? "5 minutes" : "an hour"}`] };
  for (const [name, [value, show, note]] of Object.entries(tiles)) {
    const tile = document.querySelector(`[data-tile=${name}]`);
    tile.dataset.value = value;
    tile.replaceChildren(show(value), make("small", {}, note));
  }
}

const plural = others => others === 1 ? "1 other" : `${whole.format(others)} others`;

function otherSwatch() {
  const swatch = make("span", { className: "swatch" });
  swatch.style.background = "var(--other)";
  return swatch;
}

function showLegend() {
  const ids = [...state.slots.keys()].sort(), legend = $("legend");
  if (state.chosen !== null && !state.slots.has(state.chosen)) ids.push(state.chosen);
  const others = state.zone.page.sums.partners - ids.length, told = [...ids, others, state.chosen].join(" ");
  if (legend.dataset.told === told) return;
  const focused = legend.contains(document.activeElement) ? document.activeElement.dataset.partner : null;
  legend.dataset.told = told;
  legend.replaceChildren(...ids.map(id => {
    const swatch = make("span", { className: "swatch" }), button = make("button", { type: "button", title: id, onclick: () => choose(id) }, swatch, make("span", {}, id));
    swatch.style.background = colour(id);
    button.dataset.partner = id;
    button.setAttribute("aria-pressed", id === state.chosen);
    return make("li", {}, button);
  }), ...others > 0 ? [make("li", {}, make("span", {}, otherSwatch(), plural(others)))] : []);
  if (focused !== null) [...legend.querySelectorAll("button")].find(b => b.dataset.partner === focused)?.focus();
}

function show() {
  if (!state.zone) return;
  assignColours();
  setText($("node"), state.zone.node ? `on ${state.zone.node}` : "");
  showHealth();
  showTiles();
  showLegend();
  for (const plot of plots) plot.draw();
  showTable();
}

function choose(id) { state.chosen = state.chosen === id ? null : id; show(); }

const NO_ZONE = { partners: [], time: Date.now() / 1000, page: { number: 1, limit: LIMIT, matching: 0, busiest: [],
  sums: { partners: 0, active: 0, limited: 0, requests: 0, bytes_sent: 0, refused: 0 } } };

// A partner that has not changed is only named: what is known of it holds, but that time went on.
function fillIn(zone, asked) {
  const known = state.known.get(zone.zone), { history } = zone;
  zone.partners = zone.partners.map(p => {
    const before = p.unchanged && known?.partners.get(p.id);
    if (!before) return p;
    if (!before.history || !history) return before;
    const by = Math.min(60, Math.max(0, Math.round((history.end - known.history.end) / history.step)));
    const shifted = list => [...list.slice(by), ...Array(by).fill(0)];
    return { ...before, history: { requests: shifted(before.history.requests), bytes_sent: shifted(before.history.bytes_sent) } };
  });
  state.known.set(zone.zone, { asked, history, time: zone.time, partners: new Map(zone.partners.map(p => [p.id, p])) });
  return zone;
}

function take(zones) {
  const select = $("zone"), names = zones.map(z => z.zone);
  if (names.join("\n") !== [...select.options].map(o => o.value).join("\n")) {
    select.replaceChildren(...names.map(name => make("option", { value: name }, name)));
    select.hidden = names.length < 2;
  }
  state.zones = zones;
  state.zone = zones.find(z => z.zone === select.value) ?? zones[0] ?? NO_ZONE;
  if (![...state.zone.partners, ...state.zone.page.busiest].some(p => p.id === state.chosen)) state.chosen = null;
  show();
}

function tell(kind, text) { $("live").dataset.state = kind; setText($("live"), text); }

// Asks once, beside the numbers that go on: what does not change with every request.
async function ask(parameters) {
  const url = new URL(location.href);
  url.hash = "";
  for (const [name, value] of Object.entries({ format: "json", ...parameters })) url.searchParams.set(name, value);
  const answer = await fetch(url, { cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const { zones } = await answer.json();
  return zones.find(z => z.zone === state.zone?.zone) ?? zones[0];
}

// A month of all partners.
const month = { page: 1 };
function listMonths() {
  const now = new Date((state.zone?.time ?? Date.now() / 1000) * 1000), names = [];
  for (let back = 0; back <= 13; back++) names.push(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1)).toISOString().slice(0, 7));
  if ([...$("month").options].map(o => o.value).join() !== names.join()) $("month").replaceChildren(...names.map(name => make("option", { value: name }, name)));
}
async function showMonth() {
  listMonths();
  const name = $("month").value, csv = new URL(location.href);
  csv.hash = "";
  csv.searchParams.set("format", "csv");
  csv.searchParams.set("month", name);
  $("csv").href = csv;
  $("csv").download = `usage-${name}.csv`;
  try {
    const found = (await ask({ month: name, page: month.page, limit: LIMIT, sort: "-bytes_sent", ...state.filter && { filter: state.filter } }))?.month;
    if (!found || found.month !== $("month").value) return;
    $("month-rows").replaceChildren(...found.partners.map(p => {
      const row = make("tr", {}, make("td", {}, make("a", { href: `#${p.id}` }, p.id)), make("td", { title: whole.format(p.requests) }, whole.format(p.requests)),
        make("td", { title: whole.format(p.bytes_sent) }, bytes(p.bytes_sent)));
      row.dataset.month = p.id;
      return row;
    }));
    const pages = Math.max(1, Math.ceil(found.matching / LIMIT));
    setText($("month-sums"), `${whole.format(found.requests)} requests, ${bytes(found.bytes_sent)}`);
    setText($("month-where"), `Page ${whole.format(month.page)} of ${whole.format(pages)}`);
    $("month-empty").hidden = found.matching > 0;
    $("month-pages").hidden = pages < 2;
    $("month-before").disabled = month.page <= 1;
    $("month-after").disabled = month.page >= pages;
  } catch { setText($("month-sums"), "not reachable"); }
}
function turnMonth(page) { month.page = page; showMonth(); }
$("month").onchange = () => turnMonth(1);
$("month-before").onclick = () => turnMonth(Math.max(1, month.page - 1));
$("month-after").onclick = () => turnMonth(month.page + 1);

// The page of one partner, by its name behind the address.
async function showOne() {
  const id = decodeURIComponent(location.hash.slice(1));
  $("one").hidden = !id;
  for (const other of ["all", "by-month"]) $(other).hidden = Boolean(id);
  if (!id) return;
  setText($("h-one"), id);
  try {
    const zone = await ask({ partner: id, history: "1h" }), p = zone?.partners[0];
    if (decodeURIComponent(location.hash.slice(1)) !== id) return;
    if (!p) { $("one-body").replaceChildren(make("p", { className: "soft" }, "There is no such partner.")); return; }
    const days = zone.days ?? [], last = days.slice(-31), months = new Map();
    for (const d of days) {
      const sums = months.get(d.day.slice(0, 7)) ?? [0, 0];
      months.set(d.day.slice(0, 7), [sums[0] + d.requests, sums[1] + d.bytes_sent]);
    }
    const bars = (name, of, show) => {
      const most = Math.max(1, ...last.map(of));
      return [make("h3", {}, `${name} a day, at most ${show(most)}`), make("div", { className: "days", role: "img", ariaLabel: `${name} of ${last.length} days` },
        ...last.map(d => { const bar = make("i", { title: `${d.day}: ${show(of(d))}` }); bar.style.height = `${100 * of(d) / most}%`; return bar; }))];
    };
    const table = make("table", { className: "month" }, make("tbody", {}, ...[...months].reverse().map(([name, [requests, sent]]) => {
      const row = make("tr", {}, make("td", {}, name), make("td", {}, whole.format(requests)), make("td", {}, bytes(sent)));
      row.dataset.ofMonth = name;
      return row;
    })));
    const shown = detail(p);
    shown.querySelector("a")?.parentElement.remove();
    const wrapped = make("div", { className: "detail" }, make("div", {}, shown));
    $("one-body").replaceChildren(wrapped, ...last.length ? [...bars("Requests", d => d.requests, count), ...bars("Bytes", d => d.bytes_sent, bytes),
      make("h3", {}, "Requests and bytes sent by month"), table] : []);
  } catch { $("one-body").replaceChildren(make("p", { className: "bad" }, "not reachable")); }
}
addEventListener("hashchange", showOne);

let timer, request;
async function poll(once) {
  clearTimeout(timer);
  request?.abort();
  if (once !== true && (state.paused || document.hidden)) return;
  const mine = request = new AbortController();
  const url = new URL(location.href);
  url.searchParams.set("format", "json");
  url.searchParams.set("history", state.history);
  url.searchParams.set("page", state.page);
  url.searchParams.set("limit", LIMIT);
  url.searchParams.set("sort", (state.sort.down ? "-" : "") + state.sort.column);
  if (state.filter) url.searchParams.set("filter", state.filter);
  url.hash = "";
  // Of the same partners, only what changed since: with a margin, as the last second may have gone on.
  const asked = String(url), times = [...state.known.values()].filter(k => k.asked === asked).map(k => k.time);
  // Now and then all of it, for what leaves no trace in a partner's numbers.
  if (++state.polls % 15 && times.length && times.length === state.known.size) url.searchParams.set("since", Math.min(...times) - 2);
  try {
    const limit = setTimeout(() => mine.abort(), 10000);
    const answer = await fetch(url, { signal: mine.signal, cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { zones } = await answer.json();
    clearTimeout(limit);
    if (mine !== request || state.paused && once !== true) return;
    state.failures = 0;
    if (zones.some(z => z.partners.some(p => p.unchanged && !state.known.get(z.zone)?.partners.has(p.id)))) {
      state.known.clear();
      timer = setTimeout(poll, 0);
      return;
    }
    take(zones.map(zone => fillIn(zone, asked)));
    if (!state.paused) tell("live", `live, ${clock(state.zone.time, true)}`);
  } catch (error) {
    if (mine !== request) return;
    state.failures++;
    tell("lost", `not reachable${state.zone ? ` since ${clock(state.zone.time, true)}` : ""}, trying again`);
  }
  timer = setTimeout(() => poll(), Math.min(POLL * 2 ** Math.min(state.failures, 4), 30000));
}

for (const { key, name, value } of COLUMNS) {
  const th = make("th", { scope: "col", className: `c-${key}` }, ...value ? [make("button", { type: "button", onclick() {
    const { sort } = state;
    state.sort = { column: key, down: sort.column === key ? !sort.down : key !== "id" };
    turn(1);
  } }, name)] : [name]);
  th.dataset.column = key;
  if (key === "quota") th.style.textAlign = "left";
  $("head").append(th);
}
for (const button of document.querySelectorAll("[data-history]")) {
  button.onclick = () => {
    state.history = button.dataset.history;
    for (const b of document.querySelectorAll("[data-history]")) b.setAttribute("aria-pressed", b === button);
    if (state.paused) $("pause").click(); else poll();
  };
}
$("pause").onclick = () => {
  state.paused = !state.paused;
  $("pause").setAttribute("aria-pressed", state.paused);
  setText($("pause"), state.paused ? "Resume" : "Pause");
  if (state.paused) tell("paused", `paused${state.zone ? ` at ${clock(state.zone.time, true)}` : ""}`);
  poll();
};
let typing;
$("filter").oninput = event => {
  clearTimeout(typing);
  typing = setTimeout(() => { state.filter = event.target.value.trim().toLowerCase(); turn(1); turnMonth(1); }, 150);
};
// Asks for another page at once, also where the numbers are paused.
function turn(page) { state.page = page; poll(true); }
$("before").onclick = () => turn(Math.max(1, state.page - 1));
$("after").onclick = () => turn(state.page + 1);
addEventListener("resize", () => { if (state.zone) showTable(); });
$("zone").onchange = () => { state.chosen = null; state.slots.clear(); take(state.zones); turn(1); turnMonth(1); showOne(); };
document.addEventListener("visibilitychange", () => poll());
poll().then(showMonth);
showOne();
