#!/usr/bin/env python3
"""Draws docs/picture.svg: the same street before and after. Run it again after changing it: python3 docs/picture.py"""
import pathlib
import random

W, H = 420, 260
random.seed(7)


def person(x, y, s, skin, coat):
    return (f'<ellipse cx="{x}" cy="{y - 62 * s}" rx="{13 * s}" ry="{16 * s}" fill="{skin}"/>'
            f'<path d="M{x - 13 * s} {y - 66 * s} q{13 * s} {-24 * s} {26 * s} 0 q{-13 * s} {-8 * s} {-26 * s} 0" fill="#4a3426"/>'
            f'<circle cx="{x - 5 * s}" cy="{y - 64 * s}" r="{1.8 * s}" fill="#222"/><circle cx="{x + 5 * s}" cy="{y - 64 * s}" r="{1.8 * s}" fill="#222"/>'
            f'<path d="M{x - 5 * s} {y - 55 * s} q{5 * s} {4 * s} {10 * s} 0" stroke="#7a3b2e" stroke-width="{1.6 * s}" fill="none"/>'
            f'<path d="M{x - 22 * s} {y} q0 {-44 * s} {22 * s} {-44 * s} q{22 * s} 0 {22 * s} {44 * s} z" fill="{coat}"/>')


def cells(x, y, w, h, n, m, low, high):
    out = []
    for j in range(m):
        for i in range(n):
            t = random.random()
            c = [round(a + (b - a) * t) for a, b in zip(low, high)]
            out.append(f'<rect x="{x + i * w / n:.1f}" y="{y + j * h / m:.1f}" width="{w / n + .4:.1f}" height="{h / m + .4:.1f}" fill="rgb({c[0]},{c[1]},{c[2]})"/>')
    return ''.join(out)


def street(clip):
    houses = ''.join(f'<rect x="{i * 70}" y="{40 + i % 3 * 18}" width="66" height="150" fill="{c}"/>' +
                     ''.join(f'<rect x="{i * 70 + 10 + k % 2 * 30}" y="{56 + i % 3 * 18 + k // 2 * 32}" width="16" height="20" fill="#e8f1f7"/>' for k in range(6))
                     for i, c in enumerate(['#c9b79c', '#b6a08f', '#d4c3a3', '#a9b3a2', '#c4a99a', '#bcae95']))
    car = ('<path d="M210 205 q6 -34 30 -38 l70 0 q22 4 34 30 l24 6 q8 3 8 14 l0 14 l-166 0 z" fill="#2f6f9f"/>'
           '<path d="M238 197 q6 -20 18 -22 l20 0 0 22 z M284 175 l22 0 q14 4 22 22 l-44 0 z" fill="#cfe3ef"/>'
           '<circle cx="246" cy="232" r="15" fill="#222"/><circle cx="338" cy="232" r="15" fill="#222"/>'
           '<rect x="268" y="214" width="52" height="15" rx="2" fill="#fff" stroke="#333"/>'
           '<text x="294" y="226" font-family="monospace" font-size="12" font-weight="bold" text-anchor="middle" fill="#111">OB 5CU</text>')
    return (f'<g clip-path="url(#{clip})"><rect width="{W}" height="{H}" fill="#bfd9ea"/>{houses}<rect y="190" width="{W}" height="70" fill="#77797c"/>{car}'
            f'{person(70, 236, 1.15, "#e2b08c", "#8a3f4d")}{person(150, 228, .95, "#8d5b3f", "#3c5a45")}</g>')


redacted = (f'<g clip-path="url(#face1)">{cells(50, 140, 40, 52, 5, 6, (150, 105, 80), (226, 176, 140))}</g>'
            f'<g clip-path="url(#face2)">{cells(134, 148, 32, 44, 4, 5, (80, 50, 35), (150, 100, 70))}</g>{cells(266, 212, 56, 19, 6, 2, (110, 110, 110), (215, 215, 215))}')
svg = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * W + 20} {H}" role="img" aria-label="A street with two faces and a number plate; beside it the same street with all three pixelated">'
       f'<clipPath id="a"><rect width="{W}" height="{H}" rx="10"/></clipPath><clipPath id="face1"><ellipse cx="70" cy="165" rx="20" ry="26"/></clipPath>'
       f'<clipPath id="face2"><ellipse cx="150" cy="169" rx="16" ry="22"/></clipPath>{street("a")}<g transform="translate({W + 20} 0)">{street("a")}{redacted}</g></svg>\n')
pathlib.Path(__file__).with_name('picture.svg').write_text(svg)
