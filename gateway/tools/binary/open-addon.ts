/** Key of the environment data under which threads find the path of an add-on. */
export function addonKey(name: string): string {
  return `openbell.addon.${name}`;
}

/** @throws the system loader's error */
export function open(path: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}
