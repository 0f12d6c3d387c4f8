"""The figures of TA-Lib: bars and indicators as JSON on stdin, the values of all bars on stdout (null: none yet)."""

import json
import sys

import numpy
import talib


def figures(spec, bars):
    name, *given = spec.split(":")
    p = [float(number) for number in given]
    whole = [int(number) for number in p]
    high, low, close, volume, notional = (bars[field] for field in ("high", "low", "close", "volume", "notional"))
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
        case "psar":
            return [talib.SAR(high, low, p[0], p[1])]
        # The rest is put together from functions of TA-Lib.
        case "vwap" if not given:
            # Bars of one day.
            return [numpy.cumsum(notional) / numpy.cumsum(volume)]
        case "vwap":
            return [talib.SUM(notional, whole[0]) / talib.SUM(volume, whole[0])]
        case "hma":
            line = 2 * talib.WMA(close, whole[0] // 2) - talib.WMA(close, whole[0])
            return [talib.WMA(line, int(whole[0] ** 0.5))]
        case "donchian":
            upper, lower = talib.MAX(high, whole[0]), talib.MIN(low, whole[0])
            return [upper, (upper + lower) / 2, lower]
        case "keltner":
            middle, distance = talib.EMA(close, whole[0]), p[2] * talib.ATR(high, low, close, whole[1])
            middle = numpy.where(numpy.isnan(distance), numpy.nan, middle)
            return [middle + distance, middle, middle - distance]
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
