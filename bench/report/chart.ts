/** One bar of a chart. */
export interface Bar {
  readonly name: string;
  readonly figure: number;
  /** The text beside the bar. */
  readonly text: string;
  readonly isOurs: boolean;
}

const width = 760;
const left = 230;
const right = 130;
const height = 26;
const top = 44;

/** Draws horizontal bars as SVG, readable on light and on dark pages. */
export function chart(title: string, bars: readonly Bar[]): string {
  const longest = Math.max(...bars.map(({ figure }) => figure));
  const lines = bars.map(({ name, figure, text, isOurs }, index) => {
    const y = top + index * height;
    const length = Math.max(1, (figure / longest) * (width - left - right));
    return `  <text x="${left - 10}" y="${y + 15}" text-anchor="end"${isOurs ? ' font-weight="bold"' : ''}>${escaped(name)}</text>
  <rect x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="${height - 8}" rx="2" fill="${isOurs ? '#c2410c' : '#7c8fa6'}"/>
  <text x="${(left + length + 8).toFixed(1)}" y="${y + 15}">${escaped(text)}</text>`;
  });
  const bottom = top + bars.length * height + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${escaped(title)}">
  <style>text { fill: #24292f } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }</style>
  <text x="10" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>
${lines.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
