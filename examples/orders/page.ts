/** The page: orders as dots on the chart, an inbox, the journal, and a button that kills the shop. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Orders on Signalbox</title>
<style>
  :root { color-scheme: light; --ink: #1d2330; --soft: #667085; --line: #d6dbe4; --back: #f6f7f9; --accent: #2563eb;
    --good: #15803d; --bad: #b42318; --wait: #b45309 }
  * { box-sizing: border-box }
  body { margin: 0; font: 14px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--back) }
  header { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: baseline; padding: 14px 24px; background: #fff;
    border-bottom: 1px solid var(--line) }
  h1 { font-size: 17px; margin: 0 }
  h2 { font-size: 13px; margin: 0 0 8px; color: var(--soft); font-weight: 600 }
  .facts { color: var(--soft); font-variant-numeric: tabular-nums }
  .facts b { color: var(--ink); font-weight: 600 }
  .kill { margin-left: auto; background: var(--bad); color: #fff; border: 0; border-radius: 6px; padding: 7px 14px; font: inherit }
  .kill:disabled { opacity: 0.5 }
  main { display: grid; grid-template-columns: minmax(0, 1fr) 330px; gap: 20px; padding: 20px 24px; align-items: start }
  @media (max-width: 900px) { main { grid-template-columns: minmax(0, 1fr) } }
  .board { position: relative; height: max(560px, calc(100vh - 105px)); background: #fff; border: 1px solid var(--line); border-radius: 10px; overflow: hidden }
  .board svg { position: absolute; inset: 0; width: 100%; height: 100%; stroke: #98a2b3; fill: none }
  .state { position: absolute; border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px; background: #fbfcfd }
  .state span { color: var(--soft); float: right; font-variant-numeric: tabular-nums }
  .dot { position: absolute; width: 9px; height: 9px; border-radius: 50%; background: var(--accent);
    transition: left 0.7s, top 0.7s, background 0.7s }
  .dot.approval { background: var(--wait) } .dot.delivered { background: var(--good) }
  .dot.compensating, .dot.cancelled, .dot.declined, .dot.rejected, .dot.expired { background: var(--bad) }
  .card { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; margin-bottom: 16px }
  .row { display: flex; gap: 8px; align-items: center; padding: 3px 0 } .row code { flex: 1 }
  button.small { border: 1px solid var(--line); background: #fff; border-radius: 5px; padding: 2px 9px; font: inherit; cursor: pointer }
  pre { margin: 0; font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; color: #344054 }
  .closed { background: #fef3f2 } .empty { color: var(--soft) }
</style>
<header>
  <h1>Orders</h1>
  <span class="facts" id="facts">The shop opens…</span>
  <button class="kill" id="kill">kill -9</button>
</header>
<main>
  <div class="board" id="board"></div>
  <div>
    <div class="card"><h2>Wait for approval</h2><div id="inbox"></div></div>
    <div class="card"><h2>The world outside</h2><div id="world"></div></div>
    <div class="card"><h2>Journal</h2><pre id="journal"></pre></div>
  </div>
</main>
<script>
  // Left, top, width and height of each state, in parts of the board.
  const places = {
    approval: [2, 4, 24, 30], paying: [2, 42, 24, 20], fulfilment: [31, 4, 30, 50], delivered: [66, 4, 32, 46],
    compensating: [31, 60, 30, 14], cancelled: [66, 54, 32, 20], declined: [2, 78, 22, 18], rejected: [27, 78, 22, 18],
    expired: [52, 78, 22, 18],
  };
  const $ = (id) => document.getElementById(id);
  const board = $('board');
  const counts = {};
  for (const [name, [left, top, width, height]] of Object.entries(places)) {
    const box = board.appendChild(document.createElement('div'));
    box.className = 'state';
    box.style.cssText = 'left:' + left + '%;top:' + top + '%;width:' + width + '%;height:' + height + '%';
    box.append(name);
    counts[name] = box.appendChild(document.createElement('span'));
  }
  // What follows what, from the middle of one side to that of another.
  const arrows = [
    ['approval', 'paying', 'down'], ['paying', 'fulfilment', 'right'], ['fulfilment', 'delivered', 'right'],
    ['fulfilment', 'compensating', 'down'], ['compensating', 'cancelled', 'right'], ['paying', 'declined', 'down'],
  ];
  const lines = arrows.map(([from, to, way]) => {
    const [left, top, width, height] = places[from];
    const [x, y, , tall] = places[to];
    const across = (Math.max(top, y) + Math.min(top + height, y + tall)) / 2;
    const down = Math.max(left, x) + 6;
    const [x1, y1, x2, y2] = way === 'right' ? [left + width, across, x, across] : [down, top + height, down, y];
    return '<line x1="' + x1 + '%" y1="' + y1 + '%" x2="' + x2 + '%" y2="' + y2 + '%" marker-end="url(#tip)"/>';
  });
  board.insertAdjacentHTML('afterbegin', '<svg><defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" ' +
    'markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#98a2b3" stroke="none"/></marker></defs>' + lines.join('') + '</svg>');
  const dots = new Map();
  const post = (path) => fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  function place(id, name, at) {
    let dot = dots.get(id);
    if (dot === undefined) {
      dot = board.appendChild(document.createElement('div'));
      dot.title = 'order ' + id;
      dots.set(id, dot);
    }
    const [left, top, width] = places[name];
    const columns = Math.max(1, Math.floor((board.clientWidth * width) / 100 / 14) - 1);
    dot.className = 'dot ' + name;
    dot.style.left = (board.clientWidth * left) / 100 + 10 + (at % columns) * 14 + 'px';
    dot.style.top = (board.clientHeight * top) / 100 + 34 + Math.floor(at / columns) * 14 + 'px';
  }
  function show({ states, journal, world, now, pid }, { kills, backMs }) {
    const at = {};
    for (const [id, state] of Object.entries(states)) {
      const name = state.split('.')[0];
      if (!(name in places)) continue;
      at[name] = (at[name] ?? -1) + 1;
      place(id, name, at[name]);
    }
    for (const name in counts) counts[name].textContent = (at[name] ?? -1) + 1;
    const waiting = Object.keys(states).filter((id) => states[id] === 'approval');
    $('inbox').replaceChildren(...waiting.slice(0, 8).map((id) => {
      const row = document.createElement('div');
      row.className = 'row';
      row.append(Object.assign(document.createElement('code'), { textContent: 'order/' + id }));
      for (const what of ['approve', 'reject']) {
        const button = Object.assign(document.createElement('button'), { className: 'small', textContent: what });
        button.onclick = () => post('/orders/' + id + '/' + what);
        row.append(button);
      }
      return row;
    }));
    if (waiting.length === 0) $('inbox').innerHTML = '<span class="empty">No order waits.</span>';
    $('world').textContent = world.charges + ' charges, ' + world.refunds + ' refunds, ' + world.mails + ' reminders';
    $('journal').textContent = journal.join('\\n');
    const back = backMs === null ? '' : ', back after <b>' + (backMs / 1000).toFixed(1) + ' s</b>';
    $('facts').innerHTML = 'process <b>' + pid + '</b>, shop time <b>' + new Date(now).toISOString().slice(0, 16).replace('T', ' ') +
      '</b>, killed <b>' + kills + '</b> times' + back;
  }
  async function look() {
    try {
      const [overview, news] = await Promise.all(['/overview', '/news'].map(async (path) => (await fetch(path)).json()));
      board.classList.toggle('closed', !news.isOpen);
      $('kill').disabled = !news.isOpen;
      if (news.isOpen && overview.states) show(overview, news);
    } catch {}
    setTimeout(look, 400);
  }
  $('kill').onclick = () => post('/kill');
  look();
</script>
</html>
`;
