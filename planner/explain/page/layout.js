// Where nodes stand: asked of the layout library in a worker, and of the document where that fails or takes too long.

const PATIENCE = 10_000; // milliseconds; the document has places for all images, only less well drawn
let worker = null;
let asked = 0;
startWorker(); // so that it loads its library while the page is made

function startWorker() {
  const source = new Blob([byId("worker").textContent], { type: "text/javascript" });
  const address = URL.createObjectURL(source);
  worker = new Worker(address);
  URL.revokeObjectURL(address);
}

/** The edges between the first nodes. */
function edgesAmong(count) {
  return nodes.slice(0, count).flatMap((node) => node.sources.filter((at) => at < count).map((at) => [at, node.at]));
}

/** Places and curves of the nodes that are shown: {places, curves, blocks, simple}. Never fails. */
async function layOut(withExternals) {
  const count = withExternals ? nodes.length : images.length;
  const widths = nodes.slice(0, count).map((node) => node.width);
  try {
    return await asking({ boxes: widths, edges: edgesAmong(count), height: data.boxHeight });
  } catch (error) {
    worker?.terminate();
    worker = null;
    return simpleLayout(String(error));
  }
}

function asking(question) {
  const number = ++asked;
  return new Promise((resolve, reject) => {
    if (!worker) startWorker();
    const timer = setTimeout(() => reject(new Error("the layout takes too long")), PATIENCE);
    worker.onerror = (event) => { clearTimeout(timer); event.preventDefault(); reject(new Error(event.message)); };
    worker.onmessage = ({ data: answer }) => {
      if (answer.number !== number) return;
      clearTimeout(timer);
      if (answer.error) reject(new Error(answer.error));
      else resolve(answer);
    };
    worker.postMessage({ number, ...question });
  });
}

/** The places that came with the document, and plain curves. Externals have none there and are left out. */
function simpleLayout(why = "not yet") {
  const places = images.map((image) => image.at);
  const curves = {};
  const middle = data.boxHeight / 2;
  for (const [start, end] of edgesAmong(images.length)) {
    const [x, y] = [places[start][0] + images[start].width, places[start][1] + middle];
    const [toX, toY] = [places[end][0], places[end][1] + middle];
    const bend = Math.max((toX - x) / 2, 20);
    curves[`${start} ${end}`] = `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`;
  }
  return { places, curves, blocks: [], simple: why };
}
