// SPDX-License-Identifier: Apache-2.0
// The page at work: one state, and what follows from it.

const rowHeight = 28, heatRows = 200;

function start({head, records}) {
  const app = document.getElementById('app');
  const lowerNames = head.names.map(name => name.toLowerCase()), byName = head.names.map(() => []);
  for (const record of records) byName[record.name].push(record);
  const everything = byName.map(list => list.length === 1 ? list[0] : merged(head, list));
  const cell = byName.map(list => new Map(list.map(record => [record.step, record])));
  const totals = new Map();
  const total = step => {
    if (!totals.has(step)) totals.set(step, merged(head, step < 0 ? records : records.filter(r => r.step === step)));
    return totals.get(step);
  };
  const lastPart = path => path.replace(/\/+$/, '').split('/').pop();
  const stepName = step => head.steps[step][1] === null ? lastPart(head.steps[step][0]) : `step ${head.steps[step][1]}`;
  const shortStep = step => String(head.steps[step][1] ?? step + 1);
  const [low, high] = head.scales, clamp = scale => Math.min(high, Math.max(low, scale));
  const state = {format: head.formats[0], scale: clamp(head.formats[0].start ?? 16), step: -1, name: -1, sort: 'flushed',
                 down: true, filter: ''};
  let cursor = null, heat = null, shown = [], rows = [];

  const recordOf = name => state.step < 0 ? everything[name] : cell[name].get(state.step);
  const subject = () => state.name < 0 ? total(state.step) : recordOf(state.name) ?? merged(head, []);
  const subjectName = () => (state.name < 0 ? 'All tensors' : head.names[state.name]) +
    (head.steps.length === 1 ? '' : state.step < 0 ? ', all steps' : `, ${stepName(state.step)}`);

  // The controls.
  const formats = make('fieldset', {}, make('legend', {}, 'Format'), ...head.formats.map((format, i) =>
    make('label', {}, make('input', {type: 'radio', name: 'format', value: i, change: () => set({format})}), format.name)));
  const slider = make('input', {type: 'range', id: 'scale', min: low, max: high, step: 1,
    input: event => set({scale: Number(event.target.value)})});
  const scaleText = make('output', {for: 'scale'});
  const stepChoice = make('select', {id: 'step', change: event => set({step: Number(event.target.value)})},
    make('option', {value: -1}, 'all steps'), ...head.steps.map((_, i) => make('option', {value: i}, stepName(i))));
  const said = make('p', {id: 'said', 'aria-live': 'polite'});
  const back = make('button', {type: 'button', id: 'back', click: () => set({name: -1})}, 'Show all tensors together');
  const curveTitle = make('h3'), curves = make('div', {class: 'curves'});
  const swatch = (name, words) => make('span', {class: 'key'}, make('i', {class: 'swatch ' + name}), words);

  // The table: only the rows that are seen exist.
  const columns = [
    ['name', 'tensor', r => head.names[r.name], r => head.names[r.name]],
    ['nonzero', 'non-zero', r => r.all, r => grouped(r.all)],
    ['flushed', 'becomes zero', r => r.counts.flushed / (r.all || 1), r => percent(r.counts.flushed, r.all)],
    ['subnormal', 'subnormal', r => r.counts.subnormal / (r.all || 1), r => percent(r.counts.subnormal, r.all)],
    ['over', 'too large', r => r.over / (r.all || 1), r => percent(r.over, r.all)],
    ['zero', 'zeros in', r => r.record.zero, r => grouped(r.record.zero)],
    ['bad', 'NaN, Inf', r => r.record.nan + r.record.inf, r => grouped(r.record.nan + r.record.inf)],
  ];
  const headers = columns.map(([key, words]) => make('th', {scope: 'col', class: key === 'name' ? 'l' : ''},
    make('button', {type: 'button', click: () => sortBy(key)}, words)));
  const body = make('tbody'), table = make('table', {}, make('thead', {}, make('tr', {}, ...headers)), body);
  const scroller = make('div', {class: 'scroller', scroll: () => drawRows(), keydown: moveRow}, table);
  const tableTitle = make('h3'), filtered = make('p', {'aria-live': 'polite', id: 'found'});
  const filter = make('input', {type: 'search', id: 'filter', autocomplete: 'off', spellcheck: 'false',
    input: event => set({filter: event.target.value})});

  const canvas = make('canvas', {tabindex: 0, role: 'application', 'aria-roledescription': 'heatmap',
    'aria-describedby': 'cell', keydown: moveCursor, focus: () => { cursor ??= {row: 0, step: 0}; drawHeat(); },
    click: pickCell, pointermove: event => { if (event.movementX || event.movementY) tell(placeOf(event)); }});
  const told = make('p', {id: 'cell', 'aria-live': 'polite'}), heatTitle = make('h3');

  app.append(make('h2', {}, 'At any scale'),
    make('div', {class: 'controls'}, formats,
      make('div', {}, make('label', {for: 'scale'}, 'Loss scale '), scaleText, slider),
      head.steps.length > 1 ? make('div', {}, make('label', {for: 'step'}, 'Step '), stepChoice) : ''),
    said, curveTitle, back, curves,
    make('p', {class: 'legend'}, swatch('flushed', 'becomes zero'), swatch('subnormal', 'subnormal'),
      swatch('over', 'too large (bar on top: even one value)'), swatch('window', 'window of usable scales')),
    tableTitle, make('p', {}, make('label', {for: 'filter'}, 'Only names with '), filter), filtered, scroller,
    heatTitle, make('p', {class: 'legend'}, ...weights.map((words, i) => swatch('w' + i, words))),
    make('div', {class: 'heat'}, canvas), told);
  app.hidden = false;

  function set(change) {
    Object.assign(state, change);
    if ('format' in change || 'scale' in change || 'step' in change) classify();
    if (!('name' in change) || 'step' in change) arrange();
    draw();
  }
  function sortBy(key) {
    set({down: state.sort === key ? !state.down : key !== 'name', sort: key});
  }

  // Every tensor at this format, scale and step.
  function classify() {
    rows = [];
    head.names.forEach((_, name) => {
      const record = recordOf(name);
      if (!record) return;
      const counts = classesAt(head, state.format, record, state.scale);
      rows.push({name, record, counts, all: nonzero(record), over: beyond(counts)});
    });
  }
  // Those with the wanted name, sorted; equal ones stay in order.
  function arrange() {
    const words = state.filter.toLowerCase(), value = columns.find(([key]) => key === state.sort)[2];
    shown = words ? rows.filter(row => lowerNames[row.name].includes(words)) : rows;
    const sign = state.down ? -1 : 1, keyed = shown.map(row => [value(row), row]);
    keyed.sort(([a, r], [b, s]) => (a < b ? -sign : a > b ? sign : r.name - s.name));
    shown = keyed.map(([, row]) => row);
    if (cursor && cursor.row >= Math.min(shown.length, heatRows)) cursor = null;
  }

  function draw() {
    const record = subject(), counts = classesAt(head, state.format, record, state.scale);
    formats.querySelectorAll('input').forEach((input, i) => { input.checked = head.formats[i] === state.format; });
    slider.value = state.scale;
    slider.setAttribute('aria-valuetext', `2 to the power ${state.scale}`);
    scaleText.textContent = power(state.scale) + (state.scale >= 0 && state.scale <= 53 ? ` = ${grouped(2 ** state.scale)}` : '');
    stepChoice.value = state.step;
    said.textContent = `${subjectName()}. ${sentence(state.format, record, state.scale, counts)}${errorWords(record)}`;
    back.hidden = state.name < 0;
    drawCurves();
    headers.forEach((th, i) => th.setAttribute('aria-sort',
      columns[i][0] !== state.sort ? 'none' : state.down ? 'descending' : 'ascending'));
    tableTitle.textContent = `Tensors in ${state.format.name} at ${power(state.scale)}`;
    filtered.textContent = (state.filter ? `${grouped(shown.length)} of ` : '') +
      `${grouped(rows.length)} ${rows.length === 1 ? 'tensor' : 'tensors'}` +
      (head.steps.length === 1 ? '' : state.step < 0 ? ', all steps together' : ` of ${stepName(state.step)}`);
    drawRows();
    drawHeat();
  }

  // Only of everything together does the page hold more than counts.
  function errorWords(record) {
    if (record !== total(-1)) return '';
    const [exact, decibels] = state.format.errors[state.scale - low];
    return (exact === null ? '' : ` ${percent(exact, nonzero(record))} of them are represented exactly.`) +
      (decibels === null ? '' : ` Signal to noise: ${decibels.toFixed(1)} dB.`);
  }

  function drawCurves() {
    curveTitle.textContent = `Share of non-zero values by loss scale: ${subjectName()}`;
    const room = curves.clientWidth, width = room < 560 ? room : Math.floor((room - 16) / 2);
    curves.replaceChildren(...head.formats.map(format =>
      curve(head, format, subject(), state.scale, width, (f, scale) => set({format: f, scale}))));
  }

  function drawRows() {
    const from = Math.max(0, Math.floor(scroller.scrollTop / rowHeight) - 4);
    const to = Math.min(shown.length, from + Math.ceil(scroller.clientHeight / rowHeight) + 8);
    const focused = body.contains(document.activeElement) ? Number(document.activeElement.dataset.name) : -1;
    const spacer = count => {
      const row = make('tr', {'aria-hidden': 'true', class: 'spacer'});
      row.style.height = count * rowHeight + 'px';
      return row;
    };
    table.setAttribute('aria-rowcount', shown.length + 1);
    body.replaceChildren(spacer(from), ...shown.slice(from, to).map((row, i) => make('tr',
      {'aria-rowindex': from + i + 2, class: row.name === state.name ? 'chosen' : '', click: () => set({name: row.name})},
      ...columns.map(([key, , , text]) => key === 'name'
        ? make('td', {class: 'l'}, make('button', {type: 'button', 'data-name': row.name, title: text(row),
            'aria-pressed': row.name === state.name}, middleCut(text(row), 46)))
        : make('td', {}, text(row))))), spacer(shown.length - to));
    if (focused >= 0) body.querySelector(`[data-name="${focused}"]`)?.focus({preventScroll: true});
  }
  function show(index) {
    const top = index * rowHeight, room = scroller.clientHeight - 2 * rowHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    drawRows();
  }
  function moveRow(event) {
    const by = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!by || !body.contains(event.target)) return;
    event.preventDefault();
    const at = shown.findIndex(row => row.name === Number(event.target.dataset.name)) + by;
    if (at < 0 || at >= shown.length) return;
    show(at);
    body.querySelector(`[data-name="${shown[at].name}"]`).focus({preventScroll: true});
  }

  function drawHeat() {
    const list = shown.slice(0, heatRows).map(({name}) => ({name: head.names[name], number: name,
      weight: head.steps.map((_, step) => {
        const record = cell[name].get(step);
        return weightOf(record, record && classesAt(head, state.format, record, state.scale));
      })}));
    heatTitle.textContent = `Tensor by step in ${state.format.name} at ${power(state.scale)}` +
      (shown.length > heatRows ? `: the first ${heatRows} rows of the table` : '');
    canvas.setAttribute('aria-label', `${list.length} tensors by ${head.steps.length} ` +
      `${head.steps.length === 1 ? 'step' : 'steps'}; arrow keys move, Enter chooses`);
    heat = heatmap(canvas, list, head.steps.map((_, step) => shortStep(step)), document.activeElement === canvas ? cursor : null, state.name);
  }
  function tell(place) {
    if (!place) return;
    const {name} = shown[place.row], record = cell[name].get(place.step);
    told.textContent = `${head.names[name]}, ${stepName(place.step)}. ` + (record
      ? sentence(state.format, record, state.scale, classesAt(head, state.format, record, state.scale))
      : 'It is not in this step.');
  }
  function placeOf(event) {
    const step = Math.floor((event.offsetX - heat.label) / heat.cell), row = Math.floor((event.offsetY - heatTop) / heatRow);
    return step >= 0 && step < head.steps.length && row >= 0 && row < Math.min(shown.length, heatRows) ? {row, step} : null;
  }
  function choose(place) {
    if (!place) return;
    const {name} = shown[place.row];
    tell(place);
    set({name, step: head.steps.length > 1 ? place.step : -1});
    const at = shown.findIndex(row => row.name === name);
    cursor = at < heatRows && at >= 0 ? {row: at, step: place.step} : null;
    drawHeat();
    if (at >= 0) show(at);
  }
  function pickCell(event) {
    choose(placeOf(event));
  }
  function moveCursor(event) {
    const by = {ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1]}[event.key];
    if ((!by && event.key !== 'Enter') || shown.length === 0) return;
    event.preventDefault();
    cursor ??= {row: 0, step: 0};
    if (!by) return choose(cursor);
    cursor.row = Math.min(Math.min(shown.length, heatRows) - 1, Math.max(0, cursor.row + by[0]));
    cursor.step = Math.min(head.steps.length - 1, Math.max(0, cursor.step + by[1]));
    tell(cursor);
    drawHeat();
  }

  classify();
  arrange();
  draw();
  new ResizeObserver(() => { drawCurves(); drawHeat(); }).observe(app);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawHeat);
  app.dataset.ready = Math.round(performance.now());
}

if (globalThis.document) inflated(document.getElementById('data').textContent).then(bytes => start(decode(bytes)));
