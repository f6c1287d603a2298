import pytest

from tools.select.show import count, duration, money, operations, size


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (size(0), "0 bytes"),
        (size(1_500), "1.5 kB"),
        (size(112e9), "112 GB"),
        (size(1.5e12), "1.5 TB"),
        (count(820_000), "820,000"),
        (count(22_700_000), "22.7 M"),
        (count(1.4e12), "1.4 trillion"),
        (operations(1.36e14), "1.36e14"),
        (operations(5.88e23), "5.88e23"),
        (operations(4e9), "4e9"),
        (duration(0), "under 0.1 s"),
        (duration(0.001), "3.6 s"),
        (duration(0.5), "30 min"),
        (duration(87.1), "87.1 h"),
        (duration(8000), "8,000 h"),
        (duration(17_532), "2.0 years"),
        (money(0), "0.00"),
        (money(0.001), "under 0.01"),
        (money(31_610.338), "31,610.34"),
    ],
)
def test_numbers_are_said_as_people_read_them(said: str, wanted: str) -> None:
    assert said == wanted
