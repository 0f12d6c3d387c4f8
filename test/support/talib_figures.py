"""The figures of TA-Lib: bars and indicators as JSON on stdin, the values of all bars on stdout (null: none yet)."""

import json
import sys

import numpy
import talib


def figures(spec, bars):
    name, *given = spec.split(":")
    p = [float(number) for number in given]
    whole = [int(number) for number in p]
    high, low, close, volume = (bars[field] for field in ("high", "low", "close", "volume"))
    match name:
        case "sma":
            return [talib.SMA(close, whole[0])]
        case "ema":
            return [talib.EMA(close, whole[0])]
        case "rsi":
            return [talib.RSI(close, whole[0])]
        case "macd":
            return talib.MACD(close, *whole)
        case "bb":
            return talib.BBANDS(close, whole[0], p[1], p[1])
        case "atr":
            return [talib.ATR(high, low, close, whole[0])]
        case "adx":
            return [talib.ADX(high, low, close, whole[0]), talib.PLUS_DI(high, low, close, whole[0]), talib.MINUS_DI(high, low, close, whole[0])]
        case "obv":
            return [talib.OBV(close, volume)]
        case "stoch":
            return talib.STOCH(high, low, close, fastk_period=whole[0], slowk_period=whole[1], slowd_period=whole[2])
        case "wma":
            return [talib.WMA(close, whole[0])]
        case "dema":
            return [talib.DEMA(close, whole[0])]
        case "tema":
            return [talib.TEMA(close, whole[0])]
        case "mom":
            return [talib.MOM(close, whole[0])]
        case "roc":
            return [talib.ROC(close, whole[0])]
        case "cci":
            return [talib.CCI(high, low, close, whole[0])]
        case "mfi":
            return [talib.MFI(high, low, close, volume, whole[0])]
        case "willr":
            return [talib.WILLR(high, low, close, whole[0])]
        case "ultosc":
            return [talib.ULTOSC(high, low, close, *whole)]
        case "aroon":
            down, up = talib.AROON(high, low, whole[0])
            return [up, down]
    raise ValueError(f"{spec}: TA-Lib has no such indicator")


def main():
    asked = json.load(sys.stdin)
    bars = {field: numpy.array(values, dtype=float) for field, values in asked["bars"].items()}
    answer = {
        spec: [[None if numpy.isnan(value) else float(value) for value in output] for output in figures(spec, bars)]
        for spec in asked["indicators"]
    }
    json.dump({"version": talib.__version__, "figures": answer}, sys.stdout)


main()
