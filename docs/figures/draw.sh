#!/bin/sh
# Draws the figures of the documentation again from the results beside it, with the code as it is.
# RESULTS.md has the commands that make the results.
set -e
cd "$(dirname "$0")"
draw() { kind=$1 name=$2; shift 2; python ../../bin/plot.py "$kind" --figure="$name.png" "$@"; }

draw curve digits --title="Digits: two networks joined by a curve" \
  --results=Segment=results/digits/segment.npz,Bezier=results/digits/bezier.npz,Polychain=results/digits/polychain.npz
draw plane regression --title="Regression with one input: a plane, and the functions along a curve" \
  --results=Bezier=results/regression/bezier.npz --functions=results/regression/functions.npz
