/** Of the page. */
export const STYLE = `
:root { color: #222b36; background: #f3f5f8; font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; }
body { max-width: 1200px; margin: 0 auto; padding: 24px; }
h1 { margin: 0; font-size: 24px; }
h1 span { color: #2f6fb3; }
h2 { margin: 0; font-size: 15px; }
header p, figcaption, .tile p { margin: 4px 0 0; color: #66707d; font-size: 13px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(145px, 1fr)); gap: 12px; margin: 20px 0; }
.tile, figure, .list { background: #fff; border: 1px solid #dde2e9; border-radius: 8px; padding: 12px 14px; }
.tile h2 { color: #66707d; font-size: 12px; font-weight: 600; }
.tile strong { display: block; margin-top: 4px; font-size: 21px; }
.tile.bad { border-color: #c8443c; background: #fdf3f2; }
.tile.bad strong { color: #c8443c; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 12px; }
figure { margin: 0; }
figure svg { width: 100%; height: auto; margin-top: 6px; }
.list { margin-top: 12px; overflow-x: auto; }
table { width: 100%; margin-top: 8px; border-collapse: collapse; font-size: 13px; }
th, td { padding: 5px 12px 5px 0; border-top: 1px solid #e8ecf1; text-align: left; vertical-align: top; }
th { border-top: 0; color: #66707d; }
td { font-variant-numeric: tabular-nums; }
`;
