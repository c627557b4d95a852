from msinet import processor

INTEL = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) CPU @ 2.20GHz
flags\t\t: fpu vme avx2

processor\t: 1
model name\t: another
"""


def test_linux_describes_the_processor(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "INFORMATION", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(INTEL)
    processor._fact.cache_clear()
    try:
        assert processor.processor() == "Intel(R) Xeon(R) CPU @ 2.20GHz"
        assert (processor.maker(), processor.instructions()) == ("GenuineIntel", "fpu vme avx2")
        (tmp_path / "cpuinfo").unlink()
        processor._fact.cache_clear()
        assert processor.maker() == "" and processor.processor() and processor.instructions()
    finally:
        processor._fact.cache_clear()
