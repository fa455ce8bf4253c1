/**
 * Variants of the engine: the same sources with some words of them changed, loaded side by side in one process. What a
 * variant's modules import, they import from their own copy, for its name stands behind every URL.
 */
import { registerHooks } from "node:module";
import type { Engine } from "./entry.ts";

export interface Edit {
  /** Within `src`; or a folder, with "/" at its end, for all files below it. */
  readonly file: string;
  readonly says: string | RegExp;
  readonly insteadSays: string;
}

const ROOT = new URL("../../", import.meta.url).href;
const variants = new Map<string, readonly Edit[]>();
/** By variant: edits whose words were found. */
const made = new Map<string, Set<Edit>>();
const loaded = new Map<string, Promise<Engine>>();
let hooked = false;

const variantOf = (url: string | undefined): string | undefined => /\?engine=(.*)$/.exec(url ?? "")?.[1];

function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const variant = variantOf(context.parentURL);
      const isOurs = resolved.url.startsWith(ROOT) && !resolved.url.includes("/node_modules/");
      if (variant === undefined || !isOurs || variantOf(resolved.url) !== undefined) return resolved;
      return { ...resolved, url: `${resolved.url}?engine=${variant}` };
    },
    load(url, context, next) {
      const result = next(url, context);
      const variant = variantOf(url);
      if (variant === undefined || result.source == null) return result;
      const edits = (variants.get(decodeURIComponent(variant)) ?? []).filter(({ file }) =>
        url.startsWith(`${ROOT}src/${file}${file.endsWith("/") ? "" : "?"}`),
      );
      if (edits.length === 0) return result;
      let text = Buffer.from(result.source as Uint8Array).toString();
      for (const edit of edits) {
        const changed = text.replaceAll(edit.says, () => edit.insteadSays);
        if (changed === text) continue;
        text = changed;
        made.get(decodeURIComponent(variant))?.add(edit);
      }
      return { ...result, source: text };
    },
  });
}

/**
 * The engine with the edits in it.
 * @throws Error where a file doesn't say what an edit changes: the list is out of date
 */
export function loadEngine(name: string, edits: readonly Edit[]): Promise<Engine> {
  const before = loaded.get(name);
  if (before !== undefined) return before;
  hook();
  variants.set(name, edits);
  made.set(name, new Set());
  const url = new URL(`./entry.ts?engine=${encodeURIComponent(name)}`, import.meta.url);
  const loading = (import(url.href) as Promise<Engine>).then((engine) => {
    const missing = edits.find((edit) => !made.get(name)?.has(edit));
    if (missing !== undefined) throw new Error(`${missing.file} doesn't say ${missing.says}`);
    return engine;
  });
  loaded.set(name, loading);
  return loading;
}
