#!/bin/sh
# Draws the figures of the documentation again from the results beside it, with the code as it is.
# RESULTS.md has the commands that make the results.
set -e
cd "$(dirname "$0")"
draw() { kind=$1 name=$2; shift 2; python ../../bin/plot.py "$kind" --figure="$name.png" "$@"; }

draw curve digits --title="Digits: two networks joined by a curve" \
  --results=Segment=results/digits/segment.npz,Bezier=results/digits/bezier.npz,Polychain=results/digits/polychain.npz
draw curve mnist --title="784-500-500-10 on MNIST: two networks joined by a curve" \
  --results=Segment=results/mnist/segment.npz,Bezier=results/mnist/bezier.npz,Polychain=results/mnist/polychain.npz
draw curve mnist_trivial --title="784-500-500-10 on MNIST: a curve that needs no training" \
  --results=Segment=results/mnist-trivial/segment.npz,Trivial=results/mnist-trivial/trivial.npz,Bezier=results/mnist-trivial/bezier.npz
draw plane regression --title="Regression with one input: a plane, and the functions along a curve" \
  --results=Bezier=results/regression/bezier.npz --functions=results/regression/functions.npz
swa=results/swa-mnist
draw plane swa-planes-mnist --title="Where SWA lies, MNIST" --values=test_error \
  --results=Members=$swa/members.npz,Averages=$swa/averages.npz
draw line swa-rays-mnist --title="Random rays from SGD and from SWA, MNIST" \
  --results=SGD=$swa/rays_sgd.npz,SWA=$swa/rays_swa.npz
draw line swa-line-mnist --title="From SGD to SWA, MNIST" --results=$swa/line.npz --axis_label="distance from SGD"
draw barrier barrier-mnist --title="784-512-512-512-10 on MNIST: the segment before and after alignment" \
  --results="as trained=results/barrier-mnist/barrier.npz,aligned=results/barrier-mnist/barrier-aligned.npz"
draw layers barrier-layers-mnist --title="784-512-512-512-10 on MNIST: one layer at a time" \
  --layers=dense,dense_1,dense_2,dense_3 \
  --results="as trained=results/barrier-mnist/{}.npz,aligned=results/barrier-mnist/{}-aligned.npz"
draw barriers barrier-widths-mnist --title="MNIST: barriers of networks with hidden layers of 512 K units" \
  --widths=0.0625,0.125,0.25,0.5,1 --axis_label="width K of the hidden layers" \
  --results="as trained=results/barrier-widths-mnist/width-{}.npz,aligned=results/barrier-widths-mnist/width-{}-aligned.npz"
draw barriers instability-mnist --title="784-500-500-10 on MNIST: two trainings with a common beginning" \
  --widths=0,1,2,4 --axis_label="epochs in common" \
  --results="as trained=results/instability-mnist/from-{}.npz"
draw barrier repair-digits --title="Digits: a convolutional network without normalization" \
  --results="as trained=results/repair-digits/barrier.npz,aligned=results/repair-digits/barrier-aligned.npz,repaired=results/repair-digits/barrier-repaired.npz"
R=results/uncertainty-digits
draw corruptions uncertainty-digits --title="Digits, corrupted: methods of equal cost" \
  --results="Single network=$R/single.npz,SWA=$R/swa-network.npz,SSE=$R/sse.npz,FGE=$R/fge.npz,Independent networks=$R/ind.npz,Curve=$R/curve-ensemble.npz"
R=results/subspaces-digits
draw curve subspaces-digits --title="Digits: subspaces learned in one training" \
  --results="Line=$R/line.npz,Line by layer=$R/line-by-layer.npz,Curve=$R/curve.npz"
draw simplex simplex-digits --title="Digits: a simplex that grows from one network" --results=Simplex=results/simplex-digits/simplex.npz
draw simplex spro-mnist --title="SPRO, MNIST: four independent networks and their connectors" \
  --results=Complex=results/spro-mnist/simplex.npz
R=results/espro-digits
draw ensembles espro-digits --title="ESPRO, digits: ensembles of equal cost" \
  --results="IND=$R/ind-0-epochs.npz,IND=$R/ind-1-epochs.npz,IND=$R/ind-2-epochs.npz,SSE=$R/sse-0-epochs.npz,SSE=$R/sse-1-epochs.npz,SSE=$R/sse-2-epochs.npz,FGE=$R/fge-0-epochs.npz,FGE=$R/fge-1-epochs.npz,FGE=$R/fge-2-epochs.npz,ESPRO=$R/espro-0-epochs.npz,ESPRO=$R/espro-1-epochs.npz,ESPRO=$R/espro-2-epochs.npz"
