"""What each dialect says, and every trap that real monitors have set."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from session_monitor import hl7
from session_monitor.readings import FromDevice

from tests.hl7.messages import (
    BPM,
    CEL,
    COMEN_CONTINUOUS,
    COMEN_SPOT_CHECK,
    DIA,
    DIALECTS,
    EUI,
    HR,
    LOINC,
    MINDRAY_DEMO,
    MINDRAY_GATEWAY,
    MMHG,
    PERCENT,
    SPO2,
    SYS,
    TEMP,
    message,
    obx,
    pcd01,
)

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 1, 2, 15, 4, 11, tzinfo=UTC)


def read(data: bytes) -> FromDevice:
    devices = hl7.read(data, VIENNA, NOW).devices
    assert len(devices) == 1
    return devices[0]


def values(device: FromDevice) -> dict[str, dict[str, float]]:
    """By device time, HH:MM:SS in UTC."""
    return {
        f"{o.device_time:%H:%M:%S}": {str(signal): sample.value for signal, sample in o.signals.items()}
        for o in device.observations
    }


def one(*observations: str) -> dict[str, float]:
    found = values(read(pcd01(*observations)))
    return next(iter(found.values())) if found else {}


def faults(*observations: str) -> list[tuple[str, str]]:
    return [(f.kind, f.about) for f in read(pcd01(*observations)).faults]


# ---- dialects


def test_pcd01_keeps_the_older_time_of_the_cuff() -> None:
    device = read(pcd01())
    assert device.device_id == EUI
    assert device.sent_at == datetime(2026, 1, 2, 15, 4, 10, tzinfo=UTC)
    assert device.patient_numbers == {"4711"}
    assert values(device) == {
        "14:40:00": {"systolic": 138, "diastolic": 86, "mean_arterial": 103},
        "15:04:05": {"heart_rate": 78, "spo2": 97},
    }
    assert not device.faults and not device.unknown and not device.demo


def test_comen_continuous() -> None:
    device = read(COMEN_CONTINUOUS)
    assert device.device_id == device.name == "KC000000001G"
    assert device.sent_at == datetime(2026, 1, 2, 7, 4, 10, 100_000, tzinfo=UTC)
    assert values(device) == {
        "07:04:10": {
            "systolic": 121,
            "diastolic": 74,
            "mean_arterial": 90,
            "heart_rate": 81,
            "pulse_rate": 80,
            "spo2": 96,  # the real one, not the probe that is off
            "temperature": 36.5,
            "respiratory_rate": 15,
        }
    }
    assert not device.faults
    assert device.unknown == [("188740", "MDC_LEN_BODY_ACTUAL")]


def test_comen_spot_check_takes_the_zone_of_the_message() -> None:
    device = read(COMEN_SPOT_CHECK)
    assert values(device) == {
        "15:13:31": {
            "systolic": 118,
            "diastolic": 77,
            "mean_arterial": 91,
            "pulse_rate": 63,
            "temperature": 36.6,
        }
    }
    assert device.unknown == [("2267", "COMEN_ACVPU"), ("2275", "COMEN_HANDLER")]


def test_a_monitor_in_demo_mode_says_so() -> None:
    device = read(MINDRAY_DEMO)
    assert device.device_id == EUI
    assert device.name == "MINDRAY_VS_SERIES"
    assert device.demo


def test_what_follows_in_the_same_order_is_of_the_device_named_first() -> None:
    device = read(MINDRAY_GATEWAY)
    assert (device.device_id, device.name) == (EUI, "BIG_DIPPER")
    assert values(device) == {"09:34:10": {"spo2": 98, "respiratory_rate": 17}}
    assert not device.patient_numbers  # PID-3 has no number


def test_loinc_and_unit_texts() -> None:
    device = read(LOINC)
    assert (device.device_id, device.name) == ("SIM-WARD", "SIM")
    assert values(device) == {
        "14:04:10": {  # no zone at all: the clinic's
            "systolic": 122,
            "diastolic": 79,
            "heart_rate": 70,
            "spo2": 98,
            "temperature": 36.5,
            "respiratory_rate": 14,
        }
    }


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_any_line_end_will_do(dialect: str, end: str) -> None:
    data = DIALECTS[dialect]
    assert hl7.read(data.replace(b"\r", end.encode()), VIENNA, NOW) == hl7.read(data, VIENNA, NOW)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_name_of_a_person_is_kept(dialect: str) -> None:
    read = repr(hl7.read(DIALECTS[dialect], VIENNA, NOW)).lower()
    assert "invented" not in read and "person" not in read


# ---- codes and units


@pytest.mark.parametrize("base", ["150021", "150301", "150017"])
def test_cuff_pressures_come_under_three_sets_of_numbers(base: str) -> None:
    names = {"150021": "MDC_PRESS_BLD_NONINV", "150301": "MDC_PRESS_CUFF", "150017": "MDC_PRESS_BLD_NONINV"}
    parts = ("SYS", "DIA", "MEAN")
    lines = [
        obx(f"{int(base) + n}^{names[base]}_{part}^MDC", value, MMHG)
        for n, (part, value) in enumerate(zip(parts, ("130", "80", "97"), strict=True))
    ]
    assert one(*lines) == {"systolic": 130, "diastolic": 80, "mean_arterial": 97}


def test_a_number_alone_and_a_name_alone_are_known() -> None:
    assert one(obx("147842^^MDC", "60", BPM)) == {"heart_rate": 60}
    assert one(obx("147842", "60", BPM)) == {"heart_rate": 60}
    assert one(obx("^MDC_ECG_HEART_RATE^MDC", "60", BPM)) == {"heart_rate": 60}
    assert one(obx("MDC_ECG_HEART_RATE", "60", BPM)) == {"heart_rate": 60}


def test_the_alternate_code_counts_when_the_first_is_private() -> None:
    assert one(obx(f"17^HF^99MAKER^{HR}", "60", BPM)) == {"heart_rate": 60}


@pytest.mark.parametrize(
    "code",
    [
        "150021^MDC_PRESS_BLD_NONINV_DIA^MDC",
        "150456^MDC_ECG_HEART_RATE^MDC",
        "149530^SOMETHING^MDC",
        "999999^MDC_PULS_OXIM_SAT_O2^MDC",
        "8480-6^Diastolic^LN",
    ],
)
def test_a_code_that_contradicts_itself_is_shown_and_not_charted(code: str) -> None:
    device = read(pcd01(obx(code, "90", MMHG), obx(HR, "60", BPM)))
    assert values(device) == {"15:04:05": {"heart_rate": 60}}
    assert [(f.kind, f.about) for f in device.faults] == [("code and name differ", code.split("^")[0])]


def test_known_variants_of_makers_are_charted() -> None:
    assert one(obx("149522^MDC_PULS_RATE^MDC", "60", BPM)) == {"pulse_rate": 60}
    assert one(obx("147842^MDC_ECG_CARD_BEAT_RATE^MDC", "60", BPM)) == {"heart_rate": 60}


def test_the_oximeters_pulse_goes_before_the_cuffs() -> None:
    cuff, oximeter = (
        obx("149546^MDC_PULS_RATE_NON_INV^MDC", "70", BPM),
        obx("149530^MDC_PULS_OXIM_PULS_RATE^MDC", "72", BPM),
    )
    assert one(cuff, oximeter) == one(oximeter, cuff) == {"pulse_rate": 72}


@pytest.mark.parametrize(
    ("value", "unit", "charted"),
    [
        ("97.7", "266560^MDC_DIM_FAHR^MDC", 36.5),
        ("97.7", "268160^MDC_DIM_FAHR^MDC", 36.5),
        ("97.7", "268160", 36.5),
        ("97.7", "[degF]^^UCUM", 36.5),
        ("36.5", "268192^MDC_DIM_DEGC^MDC", 36.5),
        ("36.5", "Cel", 36.5),
        ("36.5", "°C", 36.5),
    ],
)
def test_temperatures_come_in_two_units(value: str, unit: str, charted: float) -> None:
    assert one(obx(TEMP, value, unit)) == {"temperature": charted}


@pytest.mark.parametrize("unit", ["", "267000^MDC_DIM_SOMETHING^MDC", "266560^MDC_DIM_DEGC^MDC", BPM])
def test_a_unit_that_is_not_sure_is_not_guessed(unit: str) -> None:
    assert one(obx(TEMP, "36.5", unit)) == {}
    assert faults(obx(TEMP, "36.5", unit)) == [("unit", "temperature")]


def test_kilopascal() -> None:
    assert one(obx(SYS, "16", "kPa"), obx(DIA, "10.5", "265987^MDC_DIM_KILO_PASCAL^MDC")) == {
        "systolic": 120.01,
        "diastolic": 78.76,
    }


# ---- values that are none


@pytest.mark.parametrize("value", ["-999", "-100", "-99.9", "-100.0", "8388607", "", "---", "-"])
def test_sentinels_are_no_value(value: str) -> None:
    assert one(obx(SPO2, value, PERCENT), obx(HR, "60", BPM)) == {"heart_rate": 60}
    assert faults(obx(SPO2, value, PERCENT)) == [("no value", "spo2")]


@pytest.mark.parametrize(
    "sent", [obx(SPO2, "97", PERCENT, status="X"), obx(SPO2, "97", PERCENT, flags="INV")]
)
def test_a_value_that_the_sender_takes_back_is_none(sent: str) -> None:
    assert one(sent) == {}
    assert faults(sent) == [("no value", "spo2")]


def test_the_real_one_of_two_wins_in_either_order() -> None:
    real, off = obx(SPO2, "97", PERCENT, channel="1.2.1.1"), obx(SPO2, "8388607", PERCENT, status="X")
    assert one(real, off) == one(off, real) == {"spo2": 97}
    assert faults(real, off) == faults(off, real) == []


@pytest.mark.parametrize("value", ["abc", "97^98", "1e2", "nine", "36,5", "99999999999999999", "0x10", "١"])
def test_what_is_no_number_is_a_fault(value: str) -> None:
    assert one(obx(SPO2, value, PERCENT)) == {}
    assert faults(obx(SPO2, value, PERCENT)) == [("not a number", "spo2")]


def test_structured_numbers() -> None:
    assert one(obx(SPO2, "^97", PERCENT, kind="SN")) == {"spo2": 97}
    assert faults(obx(SPO2, ">^97", PERCENT, kind="SN")) == [("not a number", "spo2")]


@pytest.mark.parametrize(
    ("code", "value", "unit", "signal"),
    [
        (TEMP, "384.5", CEL, "temperature"),
        (SPO2, "101", PERCENT, "spo2"),
        (SPO2, "0", PERCENT, "spo2"),
        (HR, "-1", BPM, "heart_rate"),
        (SYS, "999", MMHG, "systolic"),
    ],
)
def test_impossible_values_are_kept_out_and_shown(code: str, value: str, unit: str, signal: str) -> None:
    assert one(obx(code, value, unit)) == {}
    assert faults(obx(code, value, unit)) == [("impossible value", signal)]


def test_a_systolic_below_its_diastolic_is_impossible() -> None:
    assert one(obx(SYS, "70", MMHG), obx(DIA, "90", MMHG)) == {}


def test_questionable_is_kept_as_such() -> None:
    (observation,) = read(pcd01(obx(SPO2, "91", PERCENT, flags="L~QUES"))).observations
    assert observation.signals["spo2"].quality == "questionable"
    assert observation.signals["spo2"].channel == "1.1.1.1"


@pytest.mark.parametrize("flags", ["DEMO", "TEST", "L~DEMO"])
def test_one_demo_value_makes_the_device_a_demo(flags: str) -> None:
    assert read(pcd01(obx(HR, "60", BPM), obx(SPO2, "97", PERCENT, flags=flags))).demo


@pytest.mark.parametrize("mode", ["T", "D", "", "PX"])
def test_only_production_is_production(mode: str) -> None:
    assert read(pcd01(mode=mode)).demo


def test_a_patient_called_demo_is_no_demo() -> None:
    data = pcd01().replace(b"Invented^Person", b"DEMO^TEST")
    assert not read(data).demo


# ---- times


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("20260102150405", "14:04:05"),
        ("20260102150405.1", "14:04:05"),
        ("20260102150405.1234", "14:04:05"),
        ("20260102150405+0800", "07:04:05"),
        ("20260102150405.123456-0330", "18:34:05"),
        ("202601021504", "14:04:00"),
    ],
)
def test_times_with_and_without_zone_and_fraction(sent: str, expected: str) -> None:
    assert list(values(read(pcd01(obx(HR, "60", BPM, at=sent), sent="20260102150410")))) == [expected]


def test_a_time_without_zone_takes_the_messages() -> None:
    device = read(pcd01(obx(HR, "60", BPM, at="20260102200405"), sent="20260102200410+0500"))
    assert list(values(device)) == ["15:04:05"]


def test_the_time_falls_back_to_the_order_then_to_the_message() -> None:
    assert list(values(read(pcd01(obx(HR, "60", BPM))))) == ["15:04:05"]
    without = pcd01(obx(HR, "60", BPM)).replace(b"|||20260102150405+0000", b"")
    assert list(values(read(without))) == ["15:04:10"]


def test_an_hour_that_comes_twice_is_the_one_just_past() -> None:
    # On 25 October 2026 in Vienna the hour from 02:00 came twice: as 00:00 and as 01:00 UTC
    received = datetime(2026, 10, 25, 1, 0, 1, tzinfo=UTC)
    data = pcd01(obx(SYS, "120", MMHG, at="20261025025500"), sent="20261025020000")
    (device,) = hl7.read(data, VIENNA, received).devices
    assert device.sent_at == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert device.observations[0].device_time == datetime(2026, 10, 25, 0, 55, tzinfo=UTC)


@pytest.mark.parametrize("at", ["yesterday", "20261345000000", "2026010215", "00000000000000"])
def test_a_time_that_cannot_be_read_is_not_guessed(at: str) -> None:
    assert faults(obx(HR, "60", BPM, at=at)) == [("time not readable", "heart_rate")]
    assert one(obx(HR, "60", BPM, at=at)) == {}


@pytest.mark.parametrize("sent", ["", "now"])
def test_a_message_without_a_time_of_its_own(sent: str) -> None:
    device = read(pcd01(sent=sent))
    assert device.sent_at is None
    assert [f.kind for f in device.faults] == ["no message time"]
    assert "15:04:05" in values(device)


# ---- devices


def test_two_devices_in_one_message_are_kept_apart() -> None:
    data = pcd01(
        obx(HR, "60", BPM, equipment="A^^0000000000000001^EUI-64"),
        obx(HR, "90", BPM, equipment="B^^0000000000000002^EUI-64", channel="2.1.1.1"),
        obx(SPO2, "97", PERCENT, channel="2.1.1.2"),
    )
    first, second = hl7.read(data, VIENNA, NOW).devices
    assert (first.device_id, one_of(first)) == ("0000000000000001", {"heart_rate": 60})
    assert (second.device_id, one_of(second)) == ("0000000000000002", {"heart_rate": 90, "spo2": 97})


def one_of(device: FromDevice) -> dict[str, float]:
    return next(iter(values(device).values()))


def test_a_serial_number_in_obx_18_is_no_eui64() -> None:
    assert read(pcd01(obx(HR, "60", BPM, equipment="XW25200213"))).device_id == EUI


def test_ids_are_reduced_to_what_a_subject_may_carry() -> None:
    data = LOINC.replace(b"|SIM|WARD|", b"|My Monitor.1>*|W\xc3\xa4rd 3|")
    assert read(data).device_id == "MyMonitor1-Wrd3"


def test_a_long_id_stays_an_id() -> None:
    a, b = (read(LOINC.replace(b"|SIM|", b"|" + b"S" * 80 + tail + b"|")).device_id for tail in (b"1", b"2"))
    assert a != b and len(a) == len(b) == 64


def test_a_message_of_no_device_can_never_be_read() -> None:
    with pytest.raises(hl7.Unreadable, match="names no device"):
        read(LOINC.replace(b"|SIM|WARD|", b"|||"))


# ---- what can never be read


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin with MSH"),
        (b"MSH", "does not begin with MSH"),
        (b"MSH|||||||||", "separators"),
        (b"MSHAAAAAAAAAAAA", "separators"),
        (b"MSH|^^^^|a|b|c|d", "separators"),
        (b"PID|||4711", "does not begin with MSH"),
        (b"\xff\xfe\x00M\x00S\x00H", "does not begin with MSH"),
        (message(r"MSH|^~\&|A|B|||20260102150410||ADT^A01|1|P|2.6"), "is not ORU.R01"),
        (message(r"MSH|^~\&|A|B|||20260102150410||ORU^R40|1|P|2.6"), "is not ORU.R01"),
        (message(r"MSH|^~\&|A|B|||20260102150410||ORU^R01||P|2.6"), "no control id"),
        (LOINC + LOINC, "more than one message"),
        (LOINC + b"OBX|" + b"\rOBX|" * 21_000, "more than 20000 fields"),
    ],
)
def test_what_can_never_be_read_says_why(data: bytes, why: str) -> None:
    with pytest.raises(hl7.Unreadable, match=why):
        hl7.read(data, VIENNA, NOW)


def test_a_waveform_is_named_and_does_not_hold_up_the_rest() -> None:
    wave = obx("131329^MDC_ECG_ELEC_POTL_I^MDC", "^".join(["12"] * 5000), kind="NA")
    device = read(pcd01(wave, obx(HR, "60", BPM)))
    assert one_of(device) == {"heart_rate": 60}
    assert device.unknown == [("131329", "MDC_ECG_ELEC_POTL_I")]


def test_other_separators() -> None:
    data = pcd01().translate(bytes.maketrans(b"|^~\\&", b"!:;$*"))
    assert values(read(data))["15:04:05"] == {"heart_rate": 78, "spo2": 97}


# ---- the answer


def test_the_answer_repeats_the_control_id_and_says_why() -> None:
    header = hl7.read(pcd01(), VIENNA, NOW).header
    text = hl7.answer(header, "AE", "the log | is ~ away", own_id="K1", now=NOW).decode()
    msh, msa, err, rest = text.split("\r")
    assert msh.split("|")[2:12] == [
        "KAP",
        "",
        f"BEDSIDE^{EUI}^EUI-64",
        "CLINIC",
        "20260102150411+0000",
        "",
        "ACK^R01^ACK",
        "K1",
        "P",
        "2.6",
    ]
    assert msa == "MSA|AE|M0001|the log   is   away"
    assert err == "ERR|||207^^HL70357|E||||the log   is   away"
    assert rest == ""


def test_an_answer_to_nothing_readable_is_still_an_answer() -> None:
    text = hl7.answer(None, "AR", "no", own_id="K1", now=NOW + timedelta(days=1)).decode()
    assert text.split("\r")[1] == "MSA|AR||no"
