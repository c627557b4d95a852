"""Models of vehicles: named body shapes, several of each type."""

from msinet.world.cars import BodyShape as Shape

# fmt: off
BODIES: dict[str, dict[str, Shape]] = {
    "sedan": {
        "Aster": Shape(
            length=4.55, width=1.78, height=1.46, cowl=(1.25, 0.98), roof=(2.05, 3.2), deck=(3.95, 1.06), nose=0.74,
            tail=1.02, belt=0.93, wheels=(0.86, 3.5), lean=0.22
        ),
        "Borea": Shape(
            length=4.8, width=1.84, height=1.45, cowl=(1.4, 0.97), roof=(2.2, 3.25), deck=(4.2, 1.08), nose=0.72,
            tail=1.04, belt=0.94, wheels=(0.9, 3.75), wheel_radius=0.33, lean=0.25
        ),
        "Calla": Shape(
            length=4.3, width=1.7, height=1.5, cowl=(1.1, 1.0), roof=(1.8, 3.05), deck=(3.6, 1.05), nose=0.78,
            tail=1.03, belt=0.95, wheels=(0.8, 3.3), wheel_radius=0.29, lean=0.18, square=4
        ),
        "Dorado": Shape(
            length=4.95, width=1.86, height=1.48, cowl=(1.45, 1.0), roof=(2.3, 3.5), deck=(4.25, 1.1), nose=0.76,
            tail=1.07, belt=0.97, wheels=(0.92, 3.85), wheel_radius=0.34, square=4.5
        ),
    },
    "hatchback": {
        "Elfin": Shape(
            length=3.65, width=1.6, height=1.5, cowl=(0.85, 1.02), roof=(1.5, 3.05), deck=(3.5, 1.05), nose=0.8,
            tail=1.0, belt=0.96, wheels=(0.7, 3.05), wheel_radius=0.28, lean=0.17, tail_round=0.5
        ),
        "Fennec": Shape(
            length=4.05, width=1.74, height=1.48, cowl=(1.05, 1.0), roof=(1.75, 3.3), deck=(3.9, 1.04), nose=0.76,
            tail=0.98, belt=0.95, wheels=(0.8, 3.35), lean=0.22, tail_round=0.55
        ),
        "Gobi": Shape(
            length=4.25, width=1.79, height=1.46, cowl=(1.15, 0.98), roof=(1.9, 3.4), deck=(4.12, 1.0), nose=0.73,
            tail=0.95, belt=0.94, wheels=(0.86, 3.5), wheel_radius=0.32, lean=0.24
        ),
    },
    "estate": {
        "Halden": Shape(
            length=4.7, width=1.8, height=1.5, cowl=(1.3, 0.99), roof=(2.05, 4.15), deck=(4.58, 1.08), nose=0.74,
            tail=1.0, belt=0.94, wheels=(0.9, 3.6), wheel_radius=0.32, lean=0.22
        ),
        "Isar": Shape(
            length=4.55, width=1.74, height=1.54, cowl=(1.2, 1.02), roof=(1.9, 4.2), deck=(4.48, 1.05), nose=0.78,
            tail=1.0, belt=0.97, wheels=(0.85, 3.45), lean=0.18, square=4.5
        ),
    },
    "suv": {
        "Juniper": Shape(
            length=4.45, width=1.84, height=1.68, cowl=(1.2, 1.13), roof=(1.85, 3.85), deck=(4.32, 1.18), nose=0.95,
            tail=1.08, belt=1.08, wheels=(0.86, 3.55), wheel_radius=0.36, clearance=0.24
        ),
        "Kestrel": Shape(
            length=4.8, width=1.92, height=1.82, cowl=(1.3, 1.22), roof=(1.9, 4.25), deck=(4.7, 1.25), nose=1.05,
            tail=1.15, belt=1.18, wheels=(0.9, 3.8), wheel_radius=0.39, clearance=0.27, lean=0.16, square=5
        ),
        "Lupin": Shape(
            length=4.2, width=1.78, height=1.62, cowl=(1.1, 1.08), roof=(1.75, 3.5), deck=(4.05, 1.15), nose=0.9,
            tail=1.06, belt=1.06, wheels=(0.8, 3.35), wheel_radius=0.34, clearance=0.22, roof_drop=0.12, lean=0.24
        ),
    },
    "van": {
        "Moraine": Shape(
            length=4.9, width=1.92, height=1.95, cowl=(0.75, 1.2), roof=(1.5, 4.75), deck=(4.88, 1.25), nose=0.98,
            tail=1.05, belt=1.12, wheels=(0.85, 3.85), wheel_radius=0.33, lean=0.14, square=5, ends=0.93
        ),
        "Nimbus": Shape(
            length=5.5, width=2.0, height=2.45, cowl=(0.7, 1.35), roof=(1.4, 5.35), deck=(5.48, 1.5), nose=1.05,
            tail=1.1, belt=1.3, wheels=(0.95, 4.4), wheel_radius=0.35, lean=0.12, square=6, ends=0.95
        ),
        "Osprey": Shape(
            length=4.4, width=1.8, height=1.85, cowl=(0.95, 1.15), roof=(1.6, 4.25), deck=(4.38, 1.2), nose=0.92,
            tail=1.0, belt=1.08, wheels=(0.8, 3.5), lean=0.15, square=4
        ),
    },
    "pickup": {
        "Pampa": Shape(
            length=5.2, width=1.85, height=1.78, cowl=(1.45, 1.16), roof=(2.05, 3.1), deck=(3.45, 1.12), nose=1.02,
            tail=1.08, belt=1.1, wheels=(0.95, 4.1), wheel_radius=0.38, clearance=0.28, lean=0.18, square=5, ends=0.93
        ),
        "Quarry": Shape(
            length=5.0, width=1.75, height=1.72, cowl=(1.35, 1.1), roof=(1.95, 2.65), deck=(2.85, 1.05), nose=0.96,
            tail=1.02, belt=1.03, wheels=(0.9, 3.9), wheel_radius=0.35, clearance=0.26, lean=0.15, square=5, ends=0.93
        ),
    },
    "bus": {
        "Rondo": Shape(
            length=8.5, width=2.4, height=3.0, cowl=(0.16, 1.3), roof=(0.42, 8.3), deck=(8.44, 1.3), nose=1.15,
            tail=1.2, belt=1.35, wheels=(1.9, 6.4), wheel_radius=0.45, clearance=0.3, roof_drop=0.02, lean=0.1,
            square=5, ends=0.94
        ),
        "Sonata": Shape(
            length=11.5, width=2.5, height=3.15, cowl=(0.14, 1.35), roof=(0.4, 11.3), deck=(11.44, 1.4), nose=1.2,
            tail=1.25, belt=1.4, wheels=(2.5, 8.6), wheel_radius=0.48, clearance=0.32, roof_drop=0.02, lean=0.1,
            square=6, ends=0.95
        ),
        "Tarn": Shape(
            length=6.6, width=2.1, height=2.75, cowl=(0.5, 1.3), roof=(1.0, 6.4), deck=(6.55, 1.35), nose=1.0,
            tail=1.15, belt=1.3, wheels=(1.2, 5.0), wheel_radius=0.4, clearance=0.28, lean=0.14, square=5
        ),
    },
    "box truck": {
        "Umber": Shape(
            length=1.75, width=1.9, height=2.1, cowl=(0.22, 1.25), roof=(0.75, 1.55), deck=(1.72, 1.7), nose=1.05,
            tail=1.4, belt=1.25, wheels=(0.85, 3.9), wheel_radius=0.36, clearance=0.3, lean=0.1, square=5, ends=0.93
        ),
        "Varda": Shape(
            length=2.0, width=2.15, height=2.45, cowl=(0.16, 1.4), roof=(0.5, 1.75), deck=(1.97, 2.0), nose=1.2,
            tail=1.6, belt=1.45, wheels=(1.05, 4.6), wheel_radius=0.42, clearance=0.34, lean=0.08, square=6, ends=0.95
        ),
    },
    "lorry": {
        "Wolfram": Shape(
            length=2.1, width=2.4, height=2.9, cowl=(0.12, 1.7), roof=(0.35, 1.85), deck=(2.07, 2.3), nose=1.4,
            tail=1.9, belt=1.75, wheels=(1.3, 5.6, 6.8), wheel_radius=0.5, clearance=0.4, lean=0.06, square=7,
            ends=0.96
        ),
        "Xylo": Shape(
            length=2.2, width=2.3, height=2.7, cowl=(0.14, 1.6), roof=(0.4, 1.9), deck=(2.17, 2.1), nose=1.3, tail=1.8,
            belt=1.65, wheels=(1.3, 5.4), wheel_radius=0.48, clearance=0.38, lean=0.07, square=6, ends=0.95
        ),
    },
}
# fmt: on
"""Bodies by type and model; of trucks and lorries, the cabs."""
