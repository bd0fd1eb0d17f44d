// Bars of phases that follow each other, on a scale of seconds.

// Okabe and Ito's colours, as in slimml/bench/waterfall.py; neighbours differ in lightness, too.
const PHASES = {
  pull: ['#0072B2', '#ffffff', 'pull: download and unpack'],
  create: ['#B8C4CC', '#14181f', 'create the container'],
  start: ['#56B4E9', '#14181f', 'start its program'],
  ready: ['#E69F00', '#14181f', 'until it is ready: imports, model'],
  'first answer': ['#D55E00', '#14181f', 'first right answer'],
  exit: ['#009E73', '#14181f', 'until the job is done'],
};
const OTHERS = ['#CC79A7', '#F0E442', '#7FA7C9', '#9C8A5A', '#A3C586', '#C9A0DC'];

// The colour, ink and words of each phase, in the order in which phases first occur.
function phaseLook(names) {
  const look = new Map();
  let other = 0;
  for (const name of names) {
    if (!look.has(name)) look.set(name, Object.hasOwn(PHASES, name) ? PHASES[name] : [OTHERS[other++ % OTHERS.length], '#14181f', name]);
  }
  return look;
}

function phaseLegend(look) {
  return el('ul', { class: 'legend' }, [...look.values()].map(([color, , words]) =>
    el('li', null, el('span', { class: 'swatch', 'aria-hidden': 'true', style: { background: color } }), words)));
}

// One bar. `most` seconds are its whole width; the interval is drawn where it has one.
function phaseBar(phases, most, look, interval) {
  const bar = el('div', { class: 'phases', 'aria-hidden': 'true' });
  for (const [name, value] of phases) {
    const [color, ink] = look.get(name);
    const width = (100 * value) / most;
    bar.append(el('span', { class: 'phase', title: `${name} ${seconds(value)}`, style: { width: `${width}%`, background: color, color: ink } },
      width > 2 ? el('span', null, seconds(value)) : null));
  }
  if (interval && interval[1] > interval[0]) {
    const left = (100 * interval[0]) / most;
    bar.append(el('span', { class: 'interval', style: { left: `${left}%`, width: `${(100 * interval[1]) / most - left}%` } }));
  }
  return bar;
}

function secondScale(most) {
  return el('div', { class: 'scale', 'aria-hidden': 'true' }, ticks(most, 5, 'seconds').map((value) =>
    el('span', { style: { left: `${(100 * value) / most}%` } }, value ? `${Number(value.toPrecision(3))} s` : '0')));
}
