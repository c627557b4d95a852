"""Run all benchmarks, on an idle machine: `python benchmarks/run.py`. They write RESULTS.md."""

import argparse

import busy_machine
import data_mark
import feeding
import growth
import scoring
import search_minutes
import search_step
import spatial_alignment
import startup
import train_step

import deploy
import world

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", help="cuda measures the steps on a GPU")
    device = parser.parse_args().device
    search_step.main(device)
    train_step.main(device)
    spatial_alignment.main(device)
    if device == "cpu":
        feeding.main()
        data_mark.main()
        scoring.main()
        startup.main()
        world.main()
        growth.main()
        search_minutes.main()
        deploy.main()
        busy_machine.main()
