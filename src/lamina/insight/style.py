"""How pictures and pages look."""

STYLE = """
.lamina-graph { background: #fff }
.lamina-graph text { font: 12px ui-monospace, Menlo, Consolas, monospace; text-anchor: middle;
  fill: #444 }
.lamina-graph .name { font-weight: 600; fill: #111 }
.lamina-graph .line { fill: none; stroke: #888; stroke-width: 1.3 }
.lamina-graph .head { fill: #888 }
.lamina-graph rect { stroke: #567; fill: #eef3f8 }
.lamina-graph .parameter rect { stroke: #8a6d1f; fill: #fdf3d6 }
.lamina-graph .variable rect { stroke: #357a4c; fill: #e2f4e7 }
.lamina-graph .data rect { stroke: #999; fill: #f4f4f4; stroke-dasharray: 4 3 }
.lamina-graph .result rect { stroke: #9b2f2f; fill: #fbe6e4; stroke-width: 2 }
"""

PAGE_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem; color: #111; background: #fff }
.view { overflow: auto; display: none; margin-top: 1rem }
#by-operator:checked ~ .operators, #by-layer:checked ~ .layers { display: block }
label { margin-right: 1rem; cursor: pointer }
.legend span { border: 1px solid; padding: 0 .5em; margin-right: .5em }
@media print { input, label { display: none } .view { overflow: visible } }
"""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<p class="legend">
<span style="border-color:#567;background:#eef3f8">operator</span>
<span style="border-color:#8a6d1f;background:#fdf3d6">parameter</span>
<span style="border-color:#357a4c;background:#e2f4e7">variable</span>
<span style="border-color:#999;background:#f4f4f4">data</span>
<span style="border-color:#9b2f2f;background:#fbe6e4">result</span>
</p>
<input type="radio" name="view" id="by-operator" checked>
<label for="by-operator">operators and parameters ({boxes} boxes)</label>
<input type="radio" name="view" id="by-layer">
<label for="by-layer">parameters folded into layers ({fewer} boxes)</label>
<div class="view operators">
{operators}
</div>
<div class="view layers">
{layers}
</div>
</body>
</html>
"""
