// Puts the sections that there is data for on the page, and draws again when size, theme or paper change.

const PAPER = 980;

async function main() {
  const data = await readData();
  const { head } = data;
  const forest = head.files ? new Forest(data) : null;
  const contents = forest ? new Contents(forest, head.title) : null;
  document.getElementById('head').append(...headOf(data));
  const sections = [
    head.done && doneSection(data),
    contents && contents.element(),
    head.analysis && findingsSection(head.analysis, contents),
    head.analysis && layersSection(head.analysis, contents),
    head.done && ledgerSection(data, forest),
    head.waiting && waitingSection(head.waiting),
    head.startup && startupSection(head.startup),
    head.trends && trendsSection(head.trends),
  ].filter(Boolean);
  document.getElementById('main').append(...sections);
  document.getElementById('sections').append(el('ul', null, sections.map((one) =>
    el('li', null, el('a', { href: `#${one.id}` }, one.querySelector('h2').textContent)))));
  document.getElementById('foot').append(`Made by slimml ${head.version}. This file needs no network and sends nothing.`);
  if (contents) contents.begin();
  for (const icicle of icicles) icicle.zoom(icicle.root);
  redrawing(contents);
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

function redrawing(contents) {
  const root = document.documentElement;
  const draw = () => {
    if (contents) contents.map.draw();
    for (const icicle of icicles) icicle.draw();
  };
  // What is drawn has the size that its place has, whatever changed it; on paper it has its own.
  let asked = 0;
  const fit = () => {
    if (root.classList.contains('printing')) return;
    if (contents && !contents.map.fits()) contents.map.draw();
    for (const icicle of icicles) if (!icicle.fits()) icicle.draw();
  };
  const watch = new ResizeObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(fit);
  });
  if (contents) watch.observe(contents.canvas);
  for (const icicle of icicles) watch.observe(icicle.canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  window.addEventListener('beforeprint', () => {
    root.classList.add('printing');
    if (contents) contents.map.draw(PAPER, 520);
    for (const icicle of icicles) icicle.draw(PAPER);
  });
  window.addEventListener('afterprint', () => {
    root.classList.remove('printing');
    draw();
  });
}

main().catch((error) => {
  document.getElementById('main').append(el('p', { class: 'verdict doubt' }, `This page cannot be shown: ${error.message}`));
  throw error;
});
