// The last builds as bars over time, the path that each run's end waited for marked.

const timeline = byId("timeline");
const ROW = 22;
const NAMES = 200;
let rows = new Map(); // image number to row

function prepareTimeline() {
  const button = byId("show-timeline");
  if (!data.runs.length) return;
  button.hidden = false;
  button.addEventListener("click", () => toggleTimeline());
  addEventListener("resize", () => { if (!timeline.hidden) drawRun(state.run); });
}

function toggleTimeline(open = timeline.hidden) {
  timeline.hidden = !open;
  byId("show-timeline").setAttribute("aria-expanded", String(open));
  if (open) drawRun(state.run);
}

function drawRun(number) {
  state.run = number;
  const run = data.runs[number];
  const choice = make("select", { "aria-label": "Run", onchange: (event) => drawRun(Number(event.target.value)) },
    ...data.runs.map((one, at) => make("option", { value: at, selected: at === number },
      `${new Date(one.began * 1000).toLocaleString()} · ${plural(one.bars.length, "image")} · ${time(one.seconds)}`)));
  const path = run.bars.filter((bar) => bar.critical);
  const busy = path.reduce((sum, bar) => sum + bar.seconds, 0);
  const said = make("span", { class: "critical-path" }, `critical path ${time(busy)} of ${time(run.seconds)}: `,
    isolated(path.map((bar) => images[bar.image].name).join(" → ")));
  timeline.replaceChildren(make("div", { class: "run" }, choice, said), bars(run));
  markRow(state.selected);
}

function bars(run) {
  const width = Math.max(480, timeline.clientWidth - 48);
  const unit = (width - NAMES - 90) / Math.max(run.seconds, 0.001);
  const height = run.bars.length * ROW + 24;
  const ticks = steps(run.seconds).flatMap((second) => {
    const x = NAMES + second * unit;
    return [draw("line", { class: "tick", x1: x, x2: x, y1: 16, y2: height }),
      draw("text", { class: "tick-text", x, y: 11, "text-anchor": "middle" }, time(second))];
  });
  rows = new Map();
  const drawn = run.bars.map((bar, at) => {
    const image = images[bar.image];
    const told = `${shown(image.name)}: ${time(bar.seconds)}, from ${time(bar.start)}` +
      (bar.steps ? `, ${bar.cached} of ${plural(bar.steps, "step")} cached` : "") + (bar.critical ? ", on the critical path" : "");
    const x = NAMES + bar.start * unit;
    const row = draw("g", {
      class: `row${bar.critical ? " critical" : ""}`, transform: `translate(0 ${at * ROW + 22})`, role: "button", tabindex: 0,
      "aria-label": told, onclick: () => select(bar.image, true),
      onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") select(bar.image, true); },
    },
    draw("title", {}, told),
    draw("rect", { width, height: ROW, fill: "transparent" }),
    draw("text", { x: NAMES - 10, y: 14, "text-anchor": "end" }, shown(image.text)),
    draw("rect", { class: "bar", x, y: 3, width: Math.max(2, bar.seconds * unit), height: ROW - 7, rx: 3 }),
    draw("text", { class: "tick-text", x: x + Math.max(2, bar.seconds * unit) + 6, y: 14 }, time(bar.seconds)));
    rows.set(bar.image, row);
    return row;
  });
  return draw("svg", { id: "bars", width, height, role: "group", "aria-label": "Images over time" }, ...ticks, ...drawn);
}

function markRow(selected) {
  for (const [at, row] of rows) row.classList.toggle("selected", at === selected);
}

const ROUND = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400];

/** Up to seven round moments from 0 to the end. */
function steps(seconds) {
  const rough = Math.max(seconds, 0.001) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const decimal = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const step = rough <= 30 ? Math.min(decimal, 60) : ROUND.find((one) => one >= rough) ?? decimal;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, at) => at * step);
}

function time(seconds) {
  if (seconds < 60) return `${Number(seconds.toFixed(seconds < 10 ? 1 : 0))} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  if (minutes < 60) return `${minutes} min${rest ? ` ${rest} s` : ""}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}
