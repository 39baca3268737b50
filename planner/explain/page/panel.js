// What is known of the selected node: facts, reasons, relatives and inputs.

const panel = byId("panel");

function showPanel(at) {
  if (at === null) {
    panel.hidden = true;
    panel.replaceChildren();
    return;
  }
  const node = nodes[at];
  const close = make("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => select(null) }, "×");
  panel.replaceChildren(close, make("h2", { id: "panel-name" }, isolated(node.name)), chips(node),
    ...(node.isImage ? aboutImage(node) : aboutExternal(node)));
  panel.setAttribute("aria-labelledby", "panel-name");
  panel.hidden = false;
  panel.scrollTop = 0;
}

function chips(node) {
  const said = node.action === "build" && !node.own ? "builds after a parent" : ACTIONS[node.action];
  const kind = make("span", { class: "chip" }, make("span", { class: `dot ${node.kind}` }), KINDS[node.kind]);
  if (!node.isImage) return make("div", { class: "chips" }, kind);
  return make("div", { class: "chips" }, kind,
    make("span", { class: `chip ${node.action}` }, smallSign(node.action, node.own), said));
}

function aboutImage(node) {
  const down = reached(node.at, "readers");
  return [
    facts([
      ["Label", code(node.label)],
      ["Dockerfile", code(node.dockerfile)],
      node.target && ["Target", code(node.target)],
      node.context !== "." && ["Context", code(node.context)],
      ["Platforms", code(node.platforms.join(", "))],
      node.tags.length > 0 && ["Tags", code(node.tags.join(", "))],
      node.key && ["Key", code(node.key)],
      node.digest && ["Image", code(node.digest)],
    ]),
    ...reasons(node),
    ...unresolved(node),
    ...relatives("Parents", node.parents),
    ...relatives("Externals", node.externals.map((external) => images.length + external)),
    ...relatives("Children", node.readers, down.size > node.readers.length ? `, ${down.size} images follow in all` : ""),
    ...inputs(node),
  ];
}

function aboutExternal(node) {
  return [
    make("p", { class: "facts" }, "The graph does not build it."),
    ...relatives("Read by", node.readers),
  ];
}

const code = (text) => make("code", {}, isolated(text));
const heading = (...words) => make("h3", {}, ...words);

function facts(rows) {
  return make("dl", { class: "facts" },
    ...rows.filter(Boolean).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function where(item) {
  return item.file ? make("span", { class: "where mono" }, isolated(`${item.file}:${item.line}`)) : "";
}

function reasons(node) {
  if (node.action === "unknown") return [heading("Plan"), make("p", { class: "empty" }, shown(data.trouble || "Not part of the plan."))];
  if (node.action === "reuse") return [heading("Plan"), make("p", {}, "Nothing that counts changed against ", isolated(data.against), ".")];
  const items = node.reasons.map((reason) => make("li", {},
    make("span", { class: "code" }, `${reason.code.replaceAll("-", " ")}: `), isolated(reason.detail), where(reason)));
  return [heading("Why it builds, against ", isolated(data.against)), make("ul", { class: "reasons" }, ...items)];
}

function unresolved(node) {
  if (!node.unresolved.length) return [];
  const items = node.unresolved.map((use) => make("li", {}, code(use.reference), " ", isolated(use.reason), where(use)));
  return [heading("Cannot be told"), make("ul", { class: "reasons" }, ...items)];
}

function relatives(title, numbers, more = "") {
  if (!numbers.length) return [];
  const links = numbers.map((at) => make("button", { type: "button", onclick: () => select(at, true) }, isolated(nodes[at].name)));
  return [heading(`${title} (${numbers.length}${more})`), make("div", { class: "links" }, ...links)];
}

function inputs(node) {
  if (!node.inputs.length) return [];
  const items = [];
  node.inputs.forEach((input, at) => {
    if (input.files && isOf(input, node.inputs[at - 1])) items.at(-1).append(...files(input));
    else items.push(inputItem(input));
  });
  return [heading(`Inputs (${node.inputs.length})`), make("ul", { class: "inputs" }, ...items)];
}

/** Whether files are those of the instruction before them, and need not name it again. */
const isOf = (input, before) => before?.kind === "instruction" && before.file === input.file && before.line === input.line;

function inputItem(input) {
  return make("li", {},
    make("span", { class: "sort" }, input.kind, input.platform ? make("span", { class: "where" }, shown(input.platform)) : ""),
    make("div", { class: "said" }, code(input.name), where(input)),
    ...files(input));
}

/** The files of an input, made when they are asked for. */
function files(input) {
  if (!input.files) return [];
  const list = make("ul");
  const left = input.count - input.files.length;
  const fill = () => {
    if (list.childElementCount) return;
    list.append(...input.files.map((path) => make("li", {}, code(path))));
    if (left > 0) list.append(make("li", {}, `and ${left} more: planner inputs names them`));
  };
  const details = make("details", { ontoggle: fill }, make("summary", {}, plural(input.count, "file")), list);
  if (input.count <= 6) {
    details.open = true;
    fill();
  }
  return [details];
}
