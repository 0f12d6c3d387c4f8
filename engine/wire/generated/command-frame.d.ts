import * as flatbuffers from 'flatbuffers';
import { Command } from './command.js';
import { CommandExtension } from './command-extension.js';
/**
 * Client to exchange, order entry.
 */
export declare class CommandFrame {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): CommandFrame;
    static getRootAsCommandFrame(bb: flatbuffers.ByteBuffer, obj?: CommandFrame): CommandFrame;
    static getSizePrefixedRootAsCommandFrame(bb: flatbuffers.ByteBuffer, obj?: CommandFrame): CommandFrame;
    static bufferHasIdentifier(bb: flatbuffers.ByteBuffer): boolean;
    schemaVersion(): number;
    commands(index: number, obj?: Command): Command | null;
    commandsLength(): number;
    /**
     * From version 2 on: one for each command with CommandFlag Extended, in the same order.
     */
    extensions(index: number, obj?: CommandExtension): CommandExtension | null;
    extensionsLength(): number;
    static startCommandFrame(builder: flatbuffers.Builder): void;
    static addSchemaVersion(builder: flatbuffers.Builder, schemaVersion: number): void;
    static addCommands(builder: flatbuffers.Builder, commandsOffset: flatbuffers.Offset): void;
    static startCommandsVector(builder: flatbuffers.Builder, numElems: number): void;
    static addExtensions(builder: flatbuffers.Builder, extensionsOffset: flatbuffers.Offset): void;
    static startExtensionsVector(builder: flatbuffers.Builder, numElems: number): void;
    static endCommandFrame(builder: flatbuffers.Builder): flatbuffers.Offset;
    static finishCommandFrameBuffer(builder: flatbuffers.Builder, offset: flatbuffers.Offset): void;
    static finishSizePrefixedCommandFrameBuffer(builder: flatbuffers.Builder, offset: flatbuffers.Offset): void;
    static createCommandFrame(builder: flatbuffers.Builder, schemaVersion: number, commandsOffset: flatbuffers.Offset, extensionsOffset: flatbuffers.Offset): flatbuffers.Offset;
}
