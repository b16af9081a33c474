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
R=results/uncertainty-digits
draw corruptions uncertainty-digits --title="Digits, corrupted: methods of equal cost" \
  --results="Single network=$R/single.npz,SWA=$R/swa-network.npz,SSE=$R/sse.npz,FGE=$R/fge.npz,Independent networks=$R/ind.npz,Curve=$R/curve-ensemble.npz"
