import * as flatbuffers from 'flatbuffers';
import { ResumePoint } from './resume-point.js';
/**
 * Drop copy, in both directions: the first message of the client names the accounts, the first message of the exchange where each of them begins. ReportFrames follow.
 */
export declare class DropCopyFrame {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): DropCopyFrame;
    static getRootAsDropCopyFrame(bb: flatbuffers.ByteBuffer, obj?: DropCopyFrame): DropCopyFrame;
    static getSizePrefixedRootAsDropCopyFrame(bb: flatbuffers.ByteBuffer, obj?: DropCopyFrame): DropCopyFrame;
    schemaVersion(): number;
    points(index: number, obj?: ResumePoint): ResumePoint | null;
    pointsLength(): number;
    static startDropCopyFrame(builder: flatbuffers.Builder): void;
    static addSchemaVersion(builder: flatbuffers.Builder, schemaVersion: number): void;
    static addPoints(builder: flatbuffers.Builder, pointsOffset: flatbuffers.Offset): void;
    static startPointsVector(builder: flatbuffers.Builder, numElems: number): void;
    static endDropCopyFrame(builder: flatbuffers.Builder): flatbuffers.Offset;
    static createDropCopyFrame(builder: flatbuffers.Builder, schemaVersion: number, pointsOffset: flatbuffers.Offset): flatbuffers.Offset;
}
