/** The release, as package.json has it: the single executable has no package.json. */
export const VERSION = '0.1.0';
