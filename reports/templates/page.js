(() => {
const table = document.getElementById('all'), body = table.tBodies[0], rows = [...body.rows];
const filter = document.getElementById('filter'), shown = document.getElementById('shown');
document.getElementById('tools').hidden = false;
const narrow = () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every(word => text.includes(word));
    if (!row.hidden) count++;
  }
  shown.textContent = count + ' of ' + rows.length + ' rows';
};
filter.addEventListener('input', narrow);
document.addEventListener('keydown', event => {
  if (event.key === '/' && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) {
    event.preventDefault();
    filter.focus();
  }
});
[...table.tHead.rows[0].cells].forEach((head, column) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener('click', () => {
    const up = head.getAttribute('aria-sort') !== 'ascending';
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const value = row => { const cell = row.cells[column]; return cell ? cell.dataset.v ?? cell.textContent : ''; };
    const order = (a, b) => (a === '') - (b === '') || (up ? 1 : -1) * (a - b || String(a).localeCompare(b, 'en', {numeric: true}));
    rows.sort((a, b) => order(value(a), value(b)));
    body.append(...rows);
  });
});
narrow();
})();
