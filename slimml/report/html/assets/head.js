// The page's head: which image, its figures, and how much of it could go.

function headOf(data) {
  const { analysis, done, waiting, title } = data.head;
  const parts = [el('h1', null, path(title))];
  if (analysis) {
    const { image } = analysis;
    parts.push(el('p', { class: 'under' }, el('span', null, image.platform), ' ', el('code', { class: 'path digest' }, image.digest)));
    parts.push(el('dl', { class: 'tiles' }, tilesOf(analysis, done)));
    if (!done) parts.push(couldGo(analysis));
    if (analysis.unknowns.length) {
      parts.push(el('details', { class: 'unknown' }, el('summary', null, 'What is not known'),
        el('ul', { class: 'plain' }, analysis.unknowns.map((words) => el('li', null, words)))));
    }
  } else if (waiting) parts.push(el('p', { class: 'under' }, waiting.host.join(' · ')));
  return parts;
}

function tile(term, value, small) {
  return el('div', { class: 'tile' }, el('dt', null, term), el('dd', null, value, small ? el('small', null, small) : null));
}

function tilesOf({ image, efficiency }, done) {
  const about = image.compressed_estimated ? 'about ' : '';
  if (done) {
    const { before, after, plain } = done.report;
    const less = (name, old, now) => tile(name, `${size(now)}`, `${share(old - now, old)} less than ${size(old)}`);
    return [
      less('on disk', before.disk_bytes, after.disk_bytes),
      plain ? less('tars', before.tar_bytes, after.tar_bytes) : less('compressed', before.compressed_bytes, after.compressed_bytes),
      tile('layers', number(after.layers), `of ${number(before.layers)}`),
      tile('files', number(after.files), `of ${number(before.files)}`),
    ];
  }
  return [
    tile('on disk', size(image.disk_bytes), 'contents of all layers'),
    tile('compressed', `${about}${size(image.compressed_bytes)}`, 'what a pull fetches'),
    tile('layers', number(image.layers), `dive’s efficiency ${(100 * efficiency.score).toFixed(1)} %`),
    tile('files', number(image.files), `a container sees ${number(image.live_files)}`),
  ];
}

function couldGo({ image, reclaimable }) {
  const parts = reclaimable.filter((one) => one.total.disk_bytes > 0);
  const going = parts.reduce((sum, one) => sum + one.total.disk_bytes, 0);
  const whole = Math.max(1, image.disk_bytes);
  const words = [el('li', null, el('span', { class: 'swatch fill-stays', 'aria-hidden': 'true' }), 'stays ', el('strong', null, size(image.disk_bytes - going)))];
  for (const one of parts) {
    words.push(el('li', null, el('span', { class: `swatch fill-${one.risk}`, 'aria-hidden': 'true' }), `${RISKS[one.risk]} `,
      el('strong', null, size(one.total.disk_bytes)), ` (${share(one.total.disk_bytes, whole)}; slimml optimize does ${size(one.by_optimize.disk_bytes)})`));
  }
  return el('div', { class: 'could' },
    meter([['fill-stays', (image.disk_bytes - going) / whole], ...parts.map((one) => [`fill-${one.risk}`, one.total.disk_bytes / whole])]),
    el('ul', { class: 'legend' }, words));
}
