/** A page that reads the overview twice a second. Data of jobs is shown as text, never as HTML. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Signalbox hosts</title>
<style>
  body { font: 16px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
  table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 2rem }
  th, td { border-bottom: 1px solid #ccc; padding: 0.25rem 0.75rem 0.25rem 0; text-align: left }
</style>
<h1>Hosts on one database</h1>
<form>
  <label>Title <input name="title" value="sales" required></label>
  <label>Steps of 0.2 s <input name="steps" type="number" value="50" min="1" max="1000" required></label>
  <button>Put a job</button>
</form>
<main></main>
<script>
  const add = (parent, tag, text = '') => {
    const element = parent.appendChild(document.createElement(tag));
    element.textContent = text;
    return element;
  };
  const addTable = (parent, title, jobs) => {
    add(parent, 'h3', title);
    const table = add(parent, 'table');
    const row = (tag, cells) => {
      const line = add(table, 'tr');
      for (const cell of cells) add(line, tag, String(cell));
    };
    row('th', ['job', 'title', 'status', 'step', 'started by', 'outcome']);
    for (const { id, args, status, step, hosts, outcome } of jobs) {
      const end = outcome === null ? '' : outcome.ok ? outcome.value : outcome.failure.message;
      row('td', [id, args[0], status, step + ' of ' + args[1], hosts.join(', then '), end]);
    }
  };
  const show = async () => {
    const { queues } = await (await fetch('/overview')).json();
    const main = document.createElement('main');
    for (const { name, waiting, hosts } of queues) {
      add(main, 'h2', "Queue '" + name + "'");
      addTable(main, waiting.length + ' waiting', waiting);
      for (const { name, state, lastPing, jobs, completed } of hosts) {
        const title = 'Host ' + name + ' (' + state + ', last sign of life ' + lastPing + ')';
        addTable(main, title, [...jobs, ...completed]);
      }
    }
    document.querySelector('main').replaceWith(main);
  };
  document.querySelector('form').onsubmit = async (event) => {
    event.preventDefault();
    const { title, steps } = Object.fromEntries(new FormData(event.target));
    const body = JSON.stringify({ title, steps: Number(steps) });
    await fetch('/jobs', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    await show();
  };
  const showAgain = () => show().catch(() => {}).finally(() => setTimeout(showAgain, 500));
  showAgain();
</script>
</html>
`;
