"""How pages look: on screens wide and narrow, light and dark, and on paper."""

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --quiet: #595959; --page: #fff; --line: #ddd;
  --strong-line: #888; --box: #f4f5f7; --done: #176b2c; --open: #a33b00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --quiet: #a8a8a8; --page: #16181c;
  --line: #353a42; --strong-line: #6b7280; --box: #20242a; --done: #7ddc93; --open: #ffab70; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--text); background: var(--page); }
h1, h2, h3 { line-height: 1.2; overflow-wrap: anywhere; } h1 { margin-bottom: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: 0.2rem; }
h3 { margin-top: 1.8rem; font-size: 1.05rem; } p, li, dd { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.2rem; margin: 1rem 0;
  padding: 0.8rem 1rem; background: var(--box); border-radius: 8px; }
dt { color: var(--quiet); grid-column: 1; } dd { margin: 0; grid-column: 2; }
dd ul { margin: 0.2rem 0; padding-left: 1.2rem; }
.done { color: var(--done); } .open { color: var(--open); }
.wide { overflow-x: auto; margin: 0.8rem 0 1.2rem; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: break-word; }
td { max-width: 30rem; } td.number { text-align: right; white-space: nowrap; }
th.number { text-align: right; }
th[scope="row"] { position: sticky; left: 0; background: var(--page); max-width: 16rem;
  min-width: 7.5rem; font-weight: 500; overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid var(--strong-line); vertical-align: bottom; }
.figures { margin: 1.2rem 0; display: grid; gap: 1.2rem; align-items: start; grid-auto-flow: dense;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); }
figure { margin: 0; min-width: 0; } figure.row { grid-column: 1 / -1; }
figure > img, figure > video, .turned { background: #fff; border: 1px solid var(--line);
  border-radius: 6px; padding: 0.4rem; max-width: 100%; height: auto; display: block; }
.turned, .live > img { display: none; } 
.live > .turned { display: block; height: 482px; padding: 0; overflow: hidden; }
figcaption { color: var(--quiet); font-size: 0.85rem; overflow-wrap: anywhere; padding: 0.3rem 0; }
details { margin: 0.8rem 0; } summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; background: var(--box); padding: 0.7rem; }
@media (max-width: 40rem) { body { margin: 1rem auto; } dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; grid-column: 1; } th, td { padding: 0.25rem 0.45rem; }
  th[scope="row"] { max-width: 42vw; } figure.row { overflow-x: auto; }
  figure.row > img { max-width: none; width: 46rem; } }
@media print { :root { color-scheme: light; --text: #000; --quiet: #444; --page: #fff;
  --line: #ccc; --strong-line: #666; --box: #fff; --done: #000; --open: #000; }
  body { max-width: none; margin: 0; font-size: 10pt; } .wide { overflow: visible; }
  table { font-size: 8pt; } th[scope="row"] { position: static; }
  figure, tr { break-inside: avoid; } h2, h3, caption { break-after: avoid; }
  .live > img { display: block; } .live > .turned { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; } }
"""
