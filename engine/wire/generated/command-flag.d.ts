/**
 * Bits of byte 3 of an order command, from version 2 on.
 */
export declare enum CommandFlag {
    /**
     * Bit 0: the command has a CommandExtension.
     */
    Extended = 1
}
