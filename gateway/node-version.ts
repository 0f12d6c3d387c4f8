const NEEDED = 22;

/** The error message for a Node.js that is too old; undefined when it is new enough. `version` such as "22.1.0". */
export function nodeTooOld(version: string = process.versions.node): string | undefined {
  if (Number.parseInt(version, 10) >= NEEDED) return undefined;
  return `this is Node.js ${version}, openbell needs ${NEEDED} and brings it: in a directory that has the package, use npx openbell, and npx node for programs`;
}
