// SPDX-License-Identifier: Apache-2.0
// Drawing, in CSS pixels: elements, a curve of one format, the heatmap.

function make(tag, attributes = {}, ...children) {
  const svg = ['svg', 'path', 'rect', 'line', 'text', 'pattern', 'defs'].includes(tag);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const middleCut = (name, most) =>
  name.length <= most ? name : name.slice(0, Math.ceil(most / 2) - 1) + '…' + name.slice(name.length - Math.floor(most / 2));

// Lines across a band, so that it is told apart without colour.
function hatching(id, tilt) {
  return make('pattern', {id, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${tilt})`},
    make('rect', {width: 6, height: 6, class: id.split('-')[0] + ' pale'}),
    make('line', {x1: 0, y1: 0, x2: 0, y2: 6, class: 'hatch-' + id.split('-')[0]}));
}

// Shares of the non-zero values over the scales: zero from below, subnormal on it, beyond the largest from above. A bar
// on top marks every scale at which even one value is beyond.
function curve(head, format, record, scale, width, choose) {
  const [low, high] = head.scales, left = 40, right = 18, top = 26, height = 150, bottom = 34;
  const x = s => left + (high === low ? 0.5 : (s - low) / (high - low)) * (width - left - right);
  const y = share => top + 6 + (1 - share) * height;
  const all = nonzero(record) || 1, name = format.name.replace(/\W/g, '_');
  const at = [];
  for (let s = low; s <= high; ++s) at.push(classesAt(head, format, record, s));
  const band = (from, to) => 'M' + at.map((c, i) => `${x(low + i).toFixed(1)} ${y(to(c) / all).toFixed(1)}`).join('L') +
    'L' + at.map((c, i) => `${x(low + i).toFixed(1)} ${y(from(c) / all).toFixed(1)}`).reverse().join('L') + 'Z';
  const now = at[scale - low];
  const svg = make('svg', {width, height: top + height + bottom + 6,
    viewBox: `0 0 ${width} ${top + height + bottom + 6}`, role: 'img', 'aria-label':
    sentence(format, record, scale, now)});
  const draw = (tag, attributes, ...children) => svg.append(make(tag, attributes, ...children));
  svg.append(make('defs', {}, hatching(`subnormal-${name}`, 45), hatching(`over-${name}`, -45)));
  draw('text', {x: left, y: 15, class: 'name'}, format.name);
  draw('text', {x: width - right, y: 15, 'text-anchor': 'end'}, format.note);
  if (format.window) {
    const from = x(Math.min(high, Math.max(low, format.low ?? low))), to = x(Math.max(low, Math.min(high, format.high ?? high)));
    draw('rect', {x: from, y: top + 6, width: Math.max(to - from, 1), height, class: 'window'});
  }
  draw('path', {d: band(() => 0, c => c.flushed), class: 'flushed'});
  draw('path', {d: band(c => c.flushed, c => c.flushed + c.subnormal), fill: `url(#subnormal-${name})`, class: 'edge'});
  draw('path', {d: band(c => all - beyond(c), () => all), fill: `url(#over-${name})`, class: 'edge'});
  const first = at.findIndex(c => beyond(c) > 0);
  if (first >= 0) draw('rect', {x: x(low + first) - 2, y: top, width: x(high) - x(low + first) + 4, height: 5, class: 'over'});
  for (const share of [0, 0.5, 1]) {
    draw('line', {x1: left, x2: width - right, y1: y(share), y2: y(share), class: 'rule'});
    draw('text', {x: left - 4, y: y(share) + 4, 'text-anchor': 'end'}, share === 0 ? '0' : `${100 * share} %`);
  }
  if (at.every(c => c.normal === all) || nonzero(record) === 0) {
    draw('text', {x: (left + width - right) / 2, y: y(0.7), 'text-anchor': 'middle'}, 'nothing becomes zero, subnormal or too large');
  }
  const every = [1, 2, 4, 8, 16, 32, 64, 128].find(n => (high - low) / n * 40 <= width - left - right) ?? 256;
  for (let s = Math.ceil(low / every) * every; s <= high; s += every) {
    draw('text', {x: x(s), y: y(0) + 16, 'text-anchor': 'middle'}, power(s));
  }
  draw('line', {x1: x(scale), x2: x(scale), y1: top - 4, y2: y(0), class: 'marker'});
  svg.addEventListener('pointerdown', event => {
    const along = (event.clientX - svg.getBoundingClientRect().left - left) / (width - left - right);
    choose(format, Math.min(high, Math.max(low, Math.round(low + along * (high - low)))));
  });
  return svg;
}

// How much a cell loses, as one of the steps of the legend: 0 nothing, 1 .. 5 more and more, 6 anything beyond the
// largest number, -1 no such tensor in that step.
const weights = ['nothing', 'under 0.1 %', 'under 1 %', 'under 10 %', 'under 50 %', '50 % or more becomes zero',
                 'something overflows or is clipped'];
function weightOf(record, counts) {
  if (!record) return -1;
  if (beyond(counts) > 0) return 6;
  const share = counts.flushed / (nonzero(record) || 1);
  return share === 0 ? 0 : 1 + [0.001, 0.01, 0.1, 0.5].filter(least => share >= least).length;
}

const heatRow = 16, heatTop = 20;
const heatLabel = width => Math.min(260, Math.round(width * 0.38));
// `rows`: names with the weight of each step; `steps`: what stands over the columns; `cursor`: where the keys are.
function heatmap(canvas, rows, steps, cursor, chosen) {
  const width = canvas.parentElement.clientWidth, height = heatTop + rows.length * heatRow, label = heatLabel(width);
  const ratio = globalThis.devicePixelRatio || 1, style = getComputedStyle(canvas);
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = height + 'px';
  const cell = Math.min(48, (width - label) / steps.length), pen = canvas.getContext('2d');
  const colour = name => style.getPropertyValue(name).trim();
  pen.scale(ratio, ratio);
  pen.font = '12px system-ui, sans-serif';
  pen.textBaseline = 'middle';
  pen.fillStyle = colour('--soft');
  for (let step = 0, free = 0; step < steps.length; ++step) {  // where there is room
    if (label + step * cell < free) continue;
    pen.fillText(steps[step], label + step * cell, heatTop / 2, width - label - step * cell);
    free = label + step * cell + pen.measureText(steps[step]).width + 8;
  }
  const fills = [-1, 0, 1, 2, 3, 4, 5, 6].map(weight => colour(`--w${weight < 0 ? 'none' : weight}`));
  rows.forEach(({name, weight, number}, row) => {
    const y = heatTop + row * heatRow;
    pen.fillStyle = colour('--ink');
    pen.fillText((number === chosen ? '▸ ' : '') + middleCut(name, Math.floor(label / 7)), 0, y + heatRow / 2, label - 4);
    weight.forEach((w, step) => {
      pen.fillStyle = fills[w + 1];
      pen.fillRect(label + step * cell, y, Math.max(cell - 1, 0.5), heatRow - 1);
      if (w === 6 && cell >= 8) {
        pen.fillStyle = colour('--paper');
        pen.fillText('×', label + step * cell + cell / 2 - 4, y + heatRow / 2);
      }
    });
  });
  if (cursor) {
    pen.strokeStyle = colour('--ink');
    pen.lineWidth = 2;
    pen.strokeRect(label + cursor.step * cell, heatTop + cursor.row * heatRow, Math.max(cell - 1, 2), heatRow - 1);
  }
  return {label, cell};
}
