/** SVG as text: elements, and how much room a text takes. */

type Attributes = { readonly [name: string]: string | number };

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** A coordinate: a tenth of a pixel is enough, and the same on every machine. */
export const px = (value: number): number => Math.round(value * 10) / 10;

export function element(
  name: string,
  attributes: Attributes,
  children: readonly string[] | string = [],
): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(String(typeof value === "number" ? px(value) : value))}"`,
  );
  const inside = typeof children === "string" ? escaped(children) : children.join("");
  return inside === "" ? `<${name}${list.join("")}/>` : `<${name}${list.join("")}>${inside}</${name}>`;
}

export const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/** The room that a text takes at the most, in any of the fonts. */
export const widthOf = (text: string, size: number): number => [...text].length * size * 0.62;
