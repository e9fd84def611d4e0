# SPDX-License-Identifier: Apache-2.0
"""Bars as SVG: one picture, groups of bars, a legend; logarithmic when the values are orders of magnitude apart."""
import math
from html import escape

COLOURS = {"proa": "#1f6feb", "grpc_cpp": "#8b949e", "grpc_go": "#2da5a5", "tonic": "#bf6a3d", "nghttp2": "#7d6bb5",
           "floor": "#c9c9c9", "tcp": "#c9c9c9", "protobuf_c": "#8b949e", "protobuf_cpp": "#7d6bb5"}
BAR, GAP, LEFT, WIDTH, TOP = 14, 16, 110, 560, 48


def text_of(value):
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= limit:
            return f"{value / (1e3 if suffix == ' k' else limit):.3g}{suffix}"
    return f"{value:.3g}"


def bars(title, groups, series):
    """groups: [(label, {series: value})]. The SVG's text."""
    values = [value for _, members in groups for value in members.values() if value > 0]
    if not values:
        return None
    least, most = min(values), max(values)
    is_log = most / least > 30
    floor = 10 ** math.floor(math.log10(least)) * 0.7 if is_log else 0

    def length(value):
        if is_log:
            return WIDTH * math.log(max(value, floor) / floor) / math.log(most / floor)
        return WIDTH * value / most

    out, y = [], TOP
    for label, members in groups:
        shown = [name for name in series if name in members]
        out.append(f'<text x="{LEFT - 8}" y="{y + len(shown) * BAR / 2 + 4:.0f}" text-anchor="end">{escape(label)}</text>')
        for name in shown:
            out.append(f'<rect x="{LEFT}" y="{y}" width="{max(length(members[name]), 1):.1f}" height="{BAR - 2}" '
                       f'fill="{COLOURS[name]}"/>')
            out.append(f'<text x="{LEFT + length(members[name]) + 5:.1f}" y="{y + BAR - 4}" class="v">'
                       f'{text_of(members[name])}</text>')
            y += BAR
        y += GAP
    legend, x = [], LEFT
    for name in series:
        if any(name in members for _, members in groups):
            legend.append(f'<rect x="{x}" y="28" width="10" height="10" fill="{COLOURS[name]}"/>'
                          f'<text x="{x + 14}" y="37">{escape(name)}</text>')
            x += 30 + 7 * len(name)
    scale = ", logarithmic" if is_log else ""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 70}" height="{y}" '
            'font-family="sans-serif" font-size="11">\n<style>.v{fill:#555}</style>\n'
            f'<rect width="100%" height="100%" fill="#fff"/>\n'
            f'<text x="10" y="18" font-size="13">{escape(title + scale)}</text>\n'
            + "\n".join(legend + out) + "\n</svg>\n")
