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
  const draw = () => {
    if (contents) contents.map.draw();
    for (const icicle of icicles) icicle.draw();
  };
  let asked = 0;
  let width = document.documentElement.clientWidth;
  window.addEventListener('resize', () => {
    // A phone's bars come and go while it is scrolled; only its width is news.
    if (document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(draw);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  window.addEventListener('beforeprint', () => {
    document.documentElement.classList.add('printing');
    if (contents) contents.map.draw(PAPER, 520);
    for (const icicle of icicles) icicle.draw(PAPER);
  });
  window.addEventListener('afterprint', () => {
    document.documentElement.classList.remove('printing');
    draw();
  });
}

main().catch((error) => {
  document.getElementById('main').append(el('p', { class: 'verdict doubt' }, `This page cannot be shown: ${error.message}`));
  throw error;
});
