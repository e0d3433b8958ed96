// The playground of `make demo`. Nothing here makes a picture: each change of a setting is another URL, which nginx
// answers. "config.json" says which pictures there are, and whether image_filter is at hand.

const $ = selector => document.querySelector(selector);
const config = await (await fetch("config.json")).json();

// All settings, in their groups. What a setting is called in the URL is its name; a setting at its first value is left
// out. `line` writes it for nginx.conf, where it is not the directive of that name.
const range = (name, label, min, max, step, first, more) => ({ name, label, kind: "range", min, max, step, first, ...more });
const choice = (name, label, values, more) => ({ name, label, kind: "select", values, first: values[0], ...more });
const check = (name, label, on, off, more) => ({ name, label, kind: "checkbox", on, off, first: off, ...more });
const none = () => null;
const adjust = { adjust: true, line: none };
const through = { through: true, line: none };

const GROUPS = {
  Size: [
    range("width", "Width", 0, 1600, 10, 0, { start: 600, line: none, zero: "any" }),
    range("height", "Height", 0, 1200, 10, 0, { start: 400, line: none, zero: "any" }),
    choice("fit", "Fit", ["resize", "crop", "pad", "stretch", "outside", "aspect-crop"], { line: none, box: true }),
    choice("gravity", "Keep", ["center", "smart", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"],
      { line: none, box: true }),
    check("enlarge", "Enlarge", "on", "off", { line: none, box: true }),
    range("dpr", "Pixel ratio", 1, 4, .5, 1, { line: none, box: true }),
    choice("crop", "Area", ["off", "square", "25%,25%,50%,50%"]),
    range("trim", "Trim border", 0, 100, 1, 0, { zero: "off" }),
    range("rotate", "Turn", -180, 180, 5, 0, { unit: "°", ...through }),
    choice("flip", "Mirror", ["off", "h", "v", "hv"], through),
    range("padding", "Padding", 0, 100, 1, 0),
    range("border", "Border", 0, 40, 1, 0),
  ],
  Colours: [
    range("brightness", "Brightness", 0, 3, .05, 1, adjust),
    range("contrast", "Contrast", 0, 3, .05, 1, adjust),
    range("saturation", "Saturation", 0, 3, .05, 1, adjust),
    range("hue", "Hue", -180, 180, 5, 0, { ...adjust, unit: "°" }),
    range("gamma", "Gamma", .1, 3, .05, 1, adjust),
    range("sepia", "Sepia", 0, 1, .05, 0, adjust),
    range("threshold", "Threshold", 0, 255, 1, 0, { ...adjust, zero: "off" }),
    choice("tint", "Tint", ["off", "#1e40af", "#b45309"], adjust),
    choice("duotone", "Duotone", ["off", "#1e1b4b,#fde68a", "#052e16,#fecaca"], adjust),
    check("grayscale", "Grey", "on", "off", adjust),
    check("negate", "Negative", "on", "off", adjust),
  ],
  Effects: [
    range("sharpen", "Sharpen", 0, 300, 5, 0),
    range("blur", "Blur", 0, 20, .5, 0),
    range("pixelate", "Pixelate", 0, 50, 1, 0),
    range("opacity", "Opacity", 0, 1, .05, 1),
    choice("mask", "Mask", ["off", "circle", "ellipse", "triangle", "pentagon", "hexagon", "square", "star", "heart"]),
    choice("background", "Background", ["white", "black", "#ffcc00", "transparent", "blur"]),
    check("watermark", "Watermark", "on", "off",
      { always: true, line: value => value === "on" && "image_resize_watermark marks/logo.png position=southeast offset=10,10 scale=20%;" }),
  ],
  Output: [
    choice("format", "Format", ["original", "jpeg", "png", "gif", "webp", "avif", "auto"]),
    range("quality", "Quality", 1, 100, 1, 0, { start: 0, min: 0, zero: "usual",
      line: (value, type) => ["jpeg", "webp", "avif"].includes(type) && `image_resize_${type}_quality ${value};` }),
    choice("subsampling", "Subsampling", ["420", "422", "444", "auto"]),
    range("colors", "Palette", 0, 256, 2, 0, { zero: "off" }),
    check("lossless", "Lossless", "on", "off"),
    check("flatten", "Flatten", "on", "off"),
    choice("metadata", "Metadata", ["strip", "copyright", "keep"]),
    check("anim", "First frame only", "off", "on", { line: value => value === "off" && "image_resize_animation first;" }),
  ],
};
const SETTINGS = Object.values(GROUPS).flat();

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

function control(setting) {
  const id = `set-${setting.name}`;
  const label = element("label", { for: id }, setting.label);
  let input;
  if (setting.kind === "select") {
    input = element("select", { id }, ...setting.values.map(value => new Option(value)));
  } else if (setting.kind === "checkbox") {
    input = element("input", { id, type: "checkbox" });
  } else {
    input = element("input", { id, type: "range", min: setting.min, max: setting.max, step: setting.step, value: setting.start ?? setting.first });
  }
  setting.input = input;
  const row = element("div", { class: "setting" }, label, input);
  if (setting.kind === "range") row.append(setting.output = element("output", { for: id }));
  return row;
}

function read(setting) {
  if (setting.kind === "checkbox") return setting.input.checked ? setting.on : setting.off;
  return setting.kind === "select" ? setting.input.value : Number(setting.input.value);
}

// What differs from the first values.
function chosen() {
  const values = {};
  for (const setting of SETTINGS) {
    const value = read(setting);
    if (setting.output) {
      setting.output.textContent = setting.zero && value === 0 ? setting.zero : `${value}${setting.unit ?? ""}`;
      setting.input.setAttribute("aria-valuetext", setting.output.textContent);
    }
    if (value !== setting.first || setting.always) values[setting.name] = value;
  }
  // Nothing goes by these without a box.
  if (!values.width && !values.height) for (const setting of SETTINGS) if (setting.box) delete values[setting.name];
  return values;
}

function query(values) {
  const names = { resize: "scale-down" };
  return Object.entries(values).map(([name, value]) =>
    `${name}=${encodeURIComponent(name === "fit" ? names[value] ?? value : value)}`).join("&");
}

// The modes of which `fit` says by itself that they enlarge.
const ENLARGING = ["pad", "outside"];

function urlOf(source, values) {
  const sent = { ...values };
  if (ENLARGING.includes(sent.fit)) sent.enlarge ??= "off";
  if (sent.flip === "off") delete sent.flip;
  return `/play/${source}?${query(sent)}`;
}

// A colour has to stand in quotes, as # begins a comment.
const quoted = value => /[#; ]/.test(value) ? `"${value}"` : value;

function conf(values, type) {
  const lines = [];
  if (values.width || values.height) {
    const words = [values.fit ?? "resize", values.width || "-", values.height || "-"];
    for (const name of ["gravity", "enlarge", "dpr"]) if (values[name]) words.push(`${name}=${values[name]}`);
    lines.push(`image_resize ${words.join(" ")};`);
  } else {
    lines.push("image_resize convert;");
  }
  const adjusted = [], passed = [];
  for (const setting of SETTINGS) {
    const value = values[setting.name];
    if (value === undefined) continue;
    if (setting.adjust) adjusted.push(quoted(`${setting.name}=${value}`));
    if (setting.through) passed.push([setting.name, value]);
    const line = setting.line ? setting.line(value, type) : `image_resize_${setting.name} ${quoted(String(value))};`;
    if (line) lines.push(line);
  }
  if (adjusted.length) lines.push(`image_resize_adjust ${adjusted.join(" ")};`);
  // These have no directive of their own.
  if (passed.length) {
    lines.push(`image_resize_params ${passed.map(pair => pair.join("=")).join(",")};`);
    lines.push(`image_resize_allow ${passed.map(([name]) => `${name}=*`).join(" ")};`);
  }
  return `location /pictures/ {\n${lines.map(line => `    ${line}\n`).join("")}}`;
}

const bytes = count => count < 10_000 ? `${count} bytes` : `${(count / 1000).toFixed(1)} kB`;

// Shows an answer in a figure; gives the answer, or nothing if another one is asked for by now.
async function show(figure, url, signal, about) {
  const caption = figure.querySelector("[data-figure]"), picture = figure.querySelector("img");
  const start = performance.now();
  // Made anew, so that the time is that of making it.
  const answer = await fetch(url, { signal, cache: "no-store" });
  const body = await answer.blob();
  const took = performance.now() - start;
  if (picture.src) URL.revokeObjectURL(picture.src);
  const is = answer.ok && body.type.startsWith("image/");
  if (is) {
    picture.src = URL.createObjectURL(body);
    picture.alt = about;
    await picture.decode().catch(() => {});
  } else {
    picture.removeAttribute("src");
    picture.alt = "";
  }
  const job = answer.headers.get("x-image-time");
  caption.classList.toggle("wrong", !is);
  caption.textContent = is
    ? `${picture.naturalWidth} × ${picture.naturalHeight}, ${body.type.slice(6)}, ${bytes(body.size)}, ${Math.round(took)} ms${job ? ` (job ${Math.round(job * 1000)} ms)` : ""}`
    : `${answer.status} ${answer.headers.get("x-image-error") ?? ""}`;
  return { answer, is, type: body.type.slice(6), size: body.size };
}

let asked;
async function update() {
  asked?.abort();
  const { signal } = asked = new AbortController();
  const values = chosen(), source = $("#source").value, name = $("#source").selectedOptions[0].textContent;
  const url = urlOf(source, values);
  $("#url").href = url;
  $("#url").textContent = new URL(url, location).href;
  $("#pictures").dataset.state = "busy";
  try {
    const { answer, is, type, size } = await show($("#ours"), url, signal, `${name}, as set`);
    $("#conf").textContent = conf(values, type);
    $("#headers").textContent = `HTTP ${answer.status}\n` + [...answer.headers].map(header => header.join(": ")).join("\n");
    let said = is ? `${name}: ${bytes(size)} as ${type}.` : `nginx answers ${answer.status}: ${answer.headers.get("x-image-error") || "no picture"}.`;
    if (config.image_filter) {
      const theirs = `/filter/${["crop", "aspect-crop"].includes(values.fit) ? "crop" : "resize"}/${source}` +
        `?width=${values.width || "-"}&height=${values.height || "-"}&quality=${values.quality || 80}&sharpen=${values.sharpen || 0}`;
      const other = await show($("#theirs"), theirs, signal, `${name}, by image_filter`);
      if (is && other.is) said += ` By image_filter ${bytes(other.size)} as ${other.type}.`;
    }
    $("#state").textContent = said;
    $("#state").classList.toggle("wrong", !is);
    $("#pictures").dataset.state = "done";
  } catch (error) {
    if (signal.aborted) return;
    $("#state").textContent = "nginx does not answer: has the demo ended?";
    $("#state").classList.add("wrong");
    $("#pictures").dataset.state = "done";
  }
}

let timer;
const soon = () => { clearTimeout(timer); $("#pictures").dataset.state = "busy"; timer = setTimeout(update, 100); };

async function take(file) {
  if (!file) return;
  $("#pictures").dataset.state = "busy";
  const answer = await fetch("/drop", { method: "POST", body: file }).catch(() => null);
  if (!answer?.ok) {
    $("#dropped").textContent = answer?.status === 413 ? `${file.name} has more than 20 MB.` : `${file.name} was not taken.`;
    $("#pictures").dataset.state = "done";
    return;
  }
  const path = await answer.text();
  let option = [...$("#source").options].find(option => option.value === path);
  if (!option) $("#source").append(option = new Option(file.name, path));
  option.selected = true;
  $("#dropped").textContent = `${file.name} is kept in memory until the demo ends.`;
  soon();
}

// Tabs: arrows go from one to the next, as for any tabs; the address keeps which one it is.
const tabs = [...document.querySelectorAll("[role=tab]")];
function open(tab, focus) {
  for (const other of tabs) {
    const is = other === tab;
    other.setAttribute("aria-selected", is);
    other.tabIndex = is ? 0 : -1;
    $(`#${other.getAttribute("aria-controls")}`).hidden = !is;
  }
  // The page of partners asks for numbers as long as it is there.
  const frame = $("iframe");
  if (tab.id === "tab-partners") frame.src ||= frame.dataset.src;
  else frame.removeAttribute("src");
  if (focus) tab.focus();
  history.replaceState(null, "", `#${tab.getAttribute("aria-controls")}`);
}
for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => open(tab));
  tab.addEventListener("keydown", event => {
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    open(tabs.at(to % tabs.length), true);
  });
}

// Signed links.
async function sign(seconds) {
  const name = $("#link-source").value, width = $("#link-width").value;
  const expires = Math.floor(Date.now() / 1000) + seconds;
  $("#link").value = await (await fetch(`/sign?name=${name}&width=${width}&expires=${expires}`)).text();
  await ask();
}

let again;
async function ask() {
  clearTimeout(again);
  // A path of this server, whatever was written.
  const link = "/" + $("#link").value.replace(/^[/\\]+/, "");
  const picture = $("#link-picture"), verdict = $("#verdict");
  const answer = await fetch(link, { cache: "no-store" });
  const body = await answer.blob();
  if (picture.src) URL.revokeObjectURL(picture.src);
  const reason = answer.headers.get("x-link-reason");
  verdict.classList.toggle("wrong", !answer.ok);
  if (answer.ok && body.type.startsWith("image/")) {
    picture.src = URL.createObjectURL(body);
    picture.alt = "The picture of the link";
    const left = Number(new URLSearchParams(link.split("?")[1]).get("expires")) * 1000 - Date.now();
    verdict.textContent = `${answer.status}: a right link, good for ${Math.max(0, Math.round(left / 1000))} seconds`;
    // One that ends while somebody looks is asked for again.
    if (left < 120_000) again = setTimeout(ask, Math.max(0, left) + 1500);
  } else {
    picture.removeAttribute("src");
    picture.alt = "";
    verdict.textContent = `${answer.status}: refused, ${reason || "not found"}`;
  }
}

const change = (pattern, to) => { $("#link").value = $("#link").value.replace(pattern, to); ask(); };
$("#sign").addEventListener("submit", event => { event.preventDefault(); sign(Number($("#link-time").value)); });
$("#ask").addEventListener("submit", event => { event.preventDefault(); ask(); });
$("#wider").addEventListener("click", () => change(/\/signed\/(\d+)\//, (_, width) => `/signed/${Number(width) + 100}/`));
$("#other-token").addEventListener("click", () => change(/token=(.)/, (_, first) => `token=${first === "A" ? "B" : "A"}`));
$("#longer").addEventListener("click", () => change(/expires=(\d+)/, (_, time) => `expires=${Number(time) + 86_400}`));
$("#ended").addEventListener("click", () => sign(-60));

// Partners.
$("#take").addEventListener("submit", async event => {
  event.preventDefault();
  const answer = await fetch("/original/bird.jpg", { headers: { "X-Api-Key": $("#partner").value }, cache: "no-store" });
  const size = (await answer.blob()).size;
  $("#taken").textContent = [`HTTP ${answer.status}, ${bytes(size)}`,
    ...[...answer.headers].filter(([name]) => /^(ratelimit|retry-after|x-image-partner)/.test(name)).map(header => header.join(": "))].join("\n");
});

for (const name of config.pictures) {
  $("#source").append(new Option(name));
  $("#link-source").append(new Option(name));
}
for (const [name, settings] of Object.entries(GROUPS)) {
  $("#settings").append(element("fieldset", {}, element("legend", {}, name), ...settings.map(control)));
}
$("#theirs").hidden = !config.image_filter;
$("#settings").addEventListener("input", event => { if (event.target.id !== "file") soon(); });
$("#settings").addEventListener("reset", () => setTimeout(update));
$("#settings").addEventListener("submit", event => event.preventDefault());
$("#file").addEventListener("change", event => take(event.target.files[0]));
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, event => {
    event.preventDefault();
    $("#pictures").classList.toggle("dragged", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}
open(tabs.find(tab => `#${tab.getAttribute("aria-controls")}` === location.hash) ?? tabs[0]);
update();
