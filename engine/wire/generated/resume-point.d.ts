import * as flatbuffers from 'flatbuffers';
/**
 * 16 bytes: where the reports of one account begin.
 */
export declare class ResumePoint {
    bb: flatbuffers.ByteBuffer | null;
    bb_pos: number;
    __init(i: number, bb: flatbuffers.ByteBuffer): ResumePoint;
    account(): number;
    /**
     * 1: all reports after `last_report`. 0: only new reports; `last_report` is 0.
     */
    resume(): number;
    /**
     * Report number.
     */
    lastReport(): bigint;
    static sizeOf(): number;
    static createResumePoint(builder: flatbuffers.Builder, account: number, resume: number, last_report: bigint): flatbuffers.Offset;
}
