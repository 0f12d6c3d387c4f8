export declare enum OrderAction {
    Add = 0,
    Change = 1,
    Remove = 2
}
