import numpy as np

from msinet.report.pictures import contact_sheet


def test_a_contact_sheet_has_a_column_for_each_camera(make_splits):
    records = make_splits(3, 0, cameras=3).train
    sheet = np.asarray(contact_sheet(records, 2, 10, 50))
    assert sheet.shape == (100, 150, 4)
    assert (sheet[:, :, 3].reshape(2, 50, 3, 50).max((1, 3)) > 0).all()
