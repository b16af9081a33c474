"""Bad input of programs: each ends with one line, without work, and leaves all files unchanged.

More rows, on the chain of programs, are in `test_programs.py` and its siblings.
"""

import re

import pytest
from programs import needs_tensorflow, run_all, run_rows
from surfaces import chain, line, plane

pytestmark = [needs_tensorflow, pytest.mark.xdist_group("bad_input")]

NEW = "--workdir=new"
FC = ("--network=fc", "--network_option=units=[8]", "--verbose=0")
ENDS = ("--start=a/model.keras", "--end=b/model.keras")
HUGE = "99999999999999999999"
MEMBERS = "--members=a/model.keras,b/model.keras"
CURVE = "--curve_file=curve/curve.keras"
OUT = "--output=new"
PNG = "--figure=new.png"


def each(program, before, *cases):
    """Rows of one program: changes to the flags above, and the text of the line."""
    program, *kind = program.split()
    return [(program, (*kind, *before, *flags.split()), message) for flags, message in cases]


# Numbers that no program accepts for any flag.
TRAINING = each(
    "train",
    (NEW, *FC),
    ("--learning_rate=nan", "learning_rate must be a finite number.*nan"),
    ("--learning_rate=inf", "learning_rate must be a finite number.*inf"),
    ("--learning_rate=-0.1", "learning_rate.*-0.1"),
    ("--learning_rate=fast", "learning_rate.*fast"),
    ("--weight_decay=nan", "weight_decay must be a finite"),
    ("--weight_decay=-1", "weight_decay.*-1"),
    ("--optimizer=lamb", "optimizer.*lamb"),
    ("--momentum=nan", "momentum must be a finite"),
    ("--momentum=1.5", "momentum.*1.5"),
    ("--momentum=-0.5", "momentum.*-0.5"),
    ("--clip_norm=nan", "clip_norm must be a finite"),
    ("--clip_norm=-1", "clip_norm.*-1"),
    ("--final_ratio=inf", "final_ratio must be a finite"),
    ("--epochs=1e3", "epochs.*1e3"),
    ("--epochs=2.5", "epochs.*2.5"),
    ("--epochs=", "epochs"),
    (f"--epochs={HUGE}", "epochs must be at most.*99999"),
    ("--epochs=1000000000000000000", "epochs must be at most"),
    ("--batch_size=0", "batch_size=0|batch_size.*positive"),
    ("--batch_size=-3", "batch_size.*-3"),
    ("--batch_size=1000000000000", "batch_size must be at most"),
    (f"--batch_size={HUGE}", "batch_size must be at most"),
    ("--eval_batch_size=0", "eval_batch_size"),
    ("--eval_batch_size=1000000000000", "eval_batch_size must be at most"),
    ("--seed=-1", "seed=-1.*non-negative integer"),
    (f"--seed={HUGE}", "seed must be at most"),
    ("--seed=one", "seed.*one"),
    ("--steps_per_execution=0", "steps_per_execution"),
    (f"--steps_per_execution={HUGE}", "steps_per_execution must be at most"),
    ("--save_every=0", "save_every"),
    ("--save_every_steps=-1", "save_every_steps"),
    ("--keep_every=0", "keep_every"),
    ("--keep_epochs=0", "keep_epochs.*from 1"),
    ("--keep_epochs=-2,3", "keep_epochs must be at least 0.*-2,3"),
    ("--keep_epochs=2,2", "keep_epochs has 2 more than once"),
    ("--keep_epochs=2,x", "keep_epochs must be whole numbers.*x"),
    ("--keep_epochs=2,,3", "keep_epochs must be whole numbers"),
    ("--keep_epochs=1.5", "keep_epochs must be whole numbers.*1.5"),
    ("--keep_epochs=nan", "keep_epochs must be whole numbers.*nan"),
    ("--keep_epochs=31", "keep_epochs must be .* from 1 to 30 with epochs=30.*31"),
    ("--epochs=5 --keep_epochs=2,6", "keep_epochs must be .* from 1 to 5"),
    ("--schedule=step --decay_epochs=-1", "decay_epochs must be at least 0"),
    ("--schedule=step --decay_epochs=5,5", "decay_epochs has 5 more than once"),
    ("--schedule=step --decay_epochs=5,30", "decay_epochs must be .* from 0 to 29.*30"),
    ("--schedule=step --decay_epochs=5,x", "decay_epochs must be whole numbers.*5,x"),
    ("--schedule=step", "needs at least one epoch in decay_epochs"),
    ("--schedule=exponential --decay_epochs=3,5", "exactly one number.*3, 5"),
    ("--schedule=step --decay_epochs=5 --decay_factor=nan", "decay_factor must be a finite"),
    ("--schedule=step --decay_epochs=5 --decay_factor=-1", "decay_factor"),
    ("--decay_factor=0.5", "decay_factor is for the schedules step and exponential"),
    ("--min_learning_rate=0.1", "min_learning_rate is for the schedules"),
    ("--schedule=constant --final_ratio=0.5", "final_ratio is for the schedules"),
    ("--schedule=nonsense", "nonsense.*piecewise_linear"),
    ("--schedule=triangular_cycle", "cycle_epochs must be set for cyclic schedules"),
    ("--cycle_epochs=2", "cycle_epochs must be set for cyclic schedules"),
    ("--schedule=triangular_cycle --cycle_epochs=0", "cycle_epochs"),
    ("--snapshots", "snapshots are saved at the minima"),
    ("--swa_every=2", "swa_every would have no effect.*swa_start"),
    ("--swag_rank=5", "swag_rank would have no effect.*swa_start"),
    ("--swa_start=30", "Averaging must start before training ends.*swa_start=30"),
    ("--swa_start=-1", "swa_start.*-1"),
    ("--schedule=swa", "'swa' needs swa_start"),
    ("--precision=float8", "precision.*float8"),
    ("--distribute=mirrored", "mirrored strategy needs two devices or more.*has 1"),
    ("--distribute=multi_worker", "TF_CONFIG is not set. Expected"),
    ("--distribute=several", "distribute.*several.*multi_worker"),
    ("--jit_compile=maybe", "jit_compile.*maybe"),
    ("--verbose=loud", "verbose.*loud"),
    ("--trajectory_every=0", "trajectory_every"),
    ("--use_test=perhaps", "use_test.*perhaps"),
    ("--keep_best --use_test", "keep_best chooses by validation"),
    ("--weight_decy=1", "Unknown command line flag 'weight_decy'.*weight_decay"),
    ("more", "unexpected argument 'more'"),
    ("--flagfile=none.flags", "Unable to open flagfile.*none.flags"),
)
NETWORKS = each(
    "train",
    (NEW, "--verbose=0"),
    ("--network=", "Unknown network.*''"),
    ("--network=preresnet21", "depth must be 6 n"),
    ("--network=vgg", "Unknown network.*'vgg'"),
    ("--network=fc --network_option=units", "NAME=VALUE.*'units'"),
    ("--network=fc --network_option=units=8", "'units'.*cannot be 8"),
    ("--network=fc --network_option=units=[0]", "units must be positive"),
    ("--network=fc --network_option=units=[-4]", "units must be positive"),
    ("--network=fc --network_option=units=[NaN]", "'units'.*nan"),
    ("--network=fc --network_option=units=[10000000,10000000]", "at most 100000"),
    ("--network=3conv3fc --network_option=width=1e9", "at most 100000"),
    ("--network=3conv3fc --network_option=width=NaN", "width"),
    ("--network=3conv3fc --network_option=width=Infinity", "width"),
    ("--network=3conv3fc --network_option=width=-1", "width"),
    ("--network=fc --network_option=color=1", "Unknown option.*'color'"),
    ("--initial_weights=none.keras", "no file of weights.*none.keras"),
    ("--initial_weights=a", "a"),
    ("--initial_weights=bad/text.keras", "bad/text.keras"),
    ("--import=no.such.module", "--import=no.such.module cannot be imported.*No module"),
    ("--import=none.py", "--import=none.py cannot be imported"),
    ("--import=bad/raises.py", "bad/raises.py cannot be imported.*KeyError"),
    ("--import=bad/syntax.py", "bad/syntax.py cannot be imported.*SyntaxError"),
    ("--import=bad", "--import=bad cannot|network"),
)[:-1]
DATA = each(
    "train",
    (NEW, "--verbose=0"),
    ("--dataset=imagenet", "'imagenet'.*imagenet2012"),
    ("--dataset=", "Unknown data set.*''"),
    ("--dataset=mnist --data_dir=none", "'none' is not a directory"),
    ("--dataset=mnist --data_dir=bad/text.keras", "not a directory"),
    ("--dataset=imagenet2012 --data_dir=bad", "imagenet2012.*not prepared"),
    ("--dataset=mnist --data_dir=tfds", "dataset_info.json' is damaged"),
    ("--dataset=mnist --data_dir=tfds2", "features.json' is damaged"),
    ("--dataset=ptb --data_dir=none", "Penn Treebank is not in 'none'"),
    ("--dataset=ptb --data_dir=ptb_latin --network=lstm_small", "valid.txt' is not UTF-8: byte 5"),
    ("--dataset=ptb --data_dir=ptb_empty --network=lstm_small", "train.txt' has no words"),
    ("--dataset=ptb --data_dir=ptb_short --network=lstm_small", "too few|Too few"),
    ("--dataset=ptb --data_dir=ptb_words --network=lstm_small", "'new' of the test text"),
    ("--dataset=digits --normalization=vgg", "Unknown normalization.*'vgg'"),
    ("--dataset=digits --normalization=none", "normalization.*none"),
    ("--dataset=digits --image_size=32", "'digits' has no image_size"),
    ("--num_train_examples=0", "num_train_examples"),
    ("--num_train_examples=960", "num_train_examples must be between 1 and 959"),
    ("--dataset=digits --num_steps=5", "'digits' has no num_steps"),
    ("--dataset=imagenet2012 --image_size=0", "image_size"),
    ("--dataset=imagenet2012 --image_size=1000000000", "image_size must be at most 4096"),
    ("--dataset=pydoc --num_steps=1000000000 --network=lstm_small", "num_steps must be at most"),
    ("--dataset=pydoc --num_steps=500000 --network=lstm_small", "too few"),
    ("--dataset=pydoc --batch_size=500000 --network=lstm_small", "too few|Too few"),
)
PLACES = [
    *each(
        "train",
        FC,
        ("--workdir=", "Cannot write in the directory ''"),
        ("--workdir=/dev/null", "Cannot write.*/dev/null"),
        ("--workdir=/dev/null/x", "Cannot write.*/dev/null/x"),
        ("--workdir=/proc/x", "Cannot write.*/proc/x"),
        ("--workdir=bad/text.keras", "Cannot write.*text.keras"),
        ("", "--workdir"),
        (f"--workdir={'x' * 300}", "Cannot write.*File name too long"),
        ("--workdir=a --seed=7", "'a' holds a run with"),
        ("--workdir=curve", "'curve' holds a run"),
    ),
    *each(
        "connect",
        (NEW,),
        ("", "--start|--end"),
        ("--start=a/model.keras", "--end"),
        ("--start=a --end=b/model.keras", "model file 'a'"),
        ("--start=a/model.keras --end=none.keras", "no model file 'none.keras'"),
        ("--start=a/model.keras --end=bad/text.keras", "'bad/text.keras' is damaged"),
        ("--start=a/model.keras --end=bad/empty.keras", "'bad/empty.keras' is damaged"),
        ("--start=a/model.keras --end=other/model.keras", "same architecture"),
        ("--start=a/model.keras --end=curve/curve.keras", "."),
    ),
    *each(
        "connect",
        (NEW, *ENDS),
        ("--num_bends=-1", "num_bends"),
        ("--num_bends=1000000", "num_bends must be at most"),
        ("--curve=segment --num_bends=2", "num_bends would have no effect"),
        ("--curve=arc", "arc.*bezier"),
        ("--precision=mixed_bfloat16", "precision would have no effect"),
        ("--position_per=replica", "position_per would have no effect.*without --distribute"),
        ("--position_per=example", "position_per.*example"),
        ("--learning_rate=nan", "learning_rate must be a finite"),
        ("--dataset=mnist --data_dir=none", "not a directory"),
        ("--keep_epochs=40", "keep_epochs must be"),
        ("--workdir=a", "'a' holds a run"),
        ("--import=none.py", "cannot be imported"),
    ),
]
CYCLES = [
    *each(
        "fge",
        (NEW,),
        ("", "--checkpoint"),
        ("--checkpoint=none.keras", "none.keras"),
        ("--checkpoint=a", "'a'"),
        ("--checkpoint=bad/text.keras", "damaged"),
        ("--checkpoint=a/model.keras --epochs=1 --cycle_epochs=4", "."),
        ("--checkpoint=a/model.keras --cycle_epochs=0", "cycle_epochs"),
        ("--checkpoint=a/model.keras --min_learning_rate=nan", "min_learning_rate must be"),
        ("--checkpoint=a/model.keras --min_learning_rate=1", "."),
        ("--checkpoint=a/model.keras --final_ratio=0.1", "final_ratio is for the schedules"),
        ("--checkpoint=a/model.keras --precision=mixed_float16", "precision would have no"),
    ),
    *each(
        "sse",
        (NEW, *FC),
        ("--cycle_epochs=0", "cycle_epochs"),
        ("--cycle_epochs=7", "not a multiple of --cycle_epochs=7"),
        ("--num_train_examples=5000", "between 1 and 959"),
        ("--cycle_epochs=31", "not a multiple"),
        ("--min_learning_rate=0.1", "min_learning_rate is for the schedules"),
        ("--num_cycles=5", "The flag --num_cycles is now --cycle_epochs"),
    ),
    *each(
        "swa",
        (NEW, *FC),
        ("", "swa_start"),
        ("--swa_start=30", "Averaging must start"),
        ("--swa_start=5 --swa_learning_rate=nan", "swa_learning_rate must be a finite"),
        ("--swa_start=5 --swa_learning_rate=-1", "swa_learning_rate"),
        ("--swa_start=5 --swa_every=0", "swa_every"),
        ("--swa_start=5 --swag_samples=3", "swag_samples would have no effect.*--swag_rank"),
        ("--swa_start=5 --swag_rank=1", "swag_rank"),
        ("--swa_start=5 --schedule=constant --swa_learning_rate=0.1", "is for --schedule=swa"),
        (
            "--swa_start=5 --schedule=linear_cycle --cycle_epochs=2 --swa_every=2",
            "swa_every would have no effect",
        ),
    ),
]
EVALUATIONS = [
    *each(
        "eval_curve",
        (OUT,),
        ("", "--curve_file"),
        ("--curve_file=none.keras", "no model file 'none.keras'"),
        ("--curve_file=curve", "'curve'"),
        ("--curve_file=a/model.keras", "not a curve"),
        ("--curve_file=bad/text.keras", "damaged"),
    ),
    *each(
        "eval_curve",
        (CURVE, OUT),
        ("--num_points=1", "num_points"),
        ("--num_points=1000000000", "num_points must be at most 100000"),
        ("--batch_size=0", "batch_size"),
        ("--num_train_examples=0", "num_train_examples"),
        ("--num_train_examples=100000", "between 1 and 959"),
        ("--num_train_examples=nan", "num_train_examples.*nan"),
        ("--num_test_examples=100000", "num_test_examples must be between 1 and 239"),
        ("--dataset=regression", "."),
        ("--output=/dev/null/x", "Cannot write.*/dev/null"),
        ("--output=/proc/x/y", "Cannot write"),
    ),
    *each(
        "eval_ensemble",
        (OUT,),
        ("", "either --members or --curve_file"),
        (f"{MEMBERS} {CURVE}", "either --members or --curve_file"),
        ("--members=none.npz", "none.npz"),
        ("--members=bad", "bad"),
        ("--members=bad/text.keras", "text.keras"),
        ("--members=a/model.keras,other/model.keras", "other/model.keras"),
        (f"{MEMBERS} --num_points=5", "num_points would have no effect"),
        (f"{MEMBERS} --random_points", "random_points would have no effect"),
        (f"{MEMBERS} --seed=5", "seed would have no effect"),
        (f"{CURVE} --seed=5", "seed would have no effect.*random_points"),
        (f"{CURVE} --include_start", "include_start would have no effect"),
        (f"{CURVE} --num_points=1", "num_points"),
        (f"{CURVE} --num_points=1000000000", "num_points must be at most"),
        (f"{MEMBERS} --temperature_scaling=train_loss", "is for networks on a curve"),
        (f"{MEMBERS} --temperature_scaling=fitted", "give --use_test"),
        (f"{MEMBERS} --temperature_scaling=warm", "warm"),
        (f"{MEMBERS} --batch_size=-1", "batch_size"),
        (f"{MEMBERS} --output=/dev/null/x", "Cannot write"),
    ),
    *each("eval_ensemble", (), (MEMBERS, "--output")),
    *each(
        "eval_mean_prediction",
        (OUT, MEMBERS),
        ("--scales=0", "scales"),
        ("--scales=2", "scales"),
        ("--scales=nan", "scales must be finite"),
        ("--scales=half", "scales must be numbers.*half"),
        ("--scales=1,1", "scales has 1.0 more than once"),
        ("--scales=", "scales"),
        ("--temperature_scaling=fitted", "temperature_scaling has no effect"),
    ),
    *each(
        "eval_barrier",
        (OUT, "--first=a/model.keras"),
        ("", "--second"),
        ("--second=none.keras", "none.keras"),
        ("--second=bad/text.keras", "damaged"),
        ("--second=other/model.keras", "same architecture"),
        ("--second=b/model.keras --num_points=1", "num_points"),
        ("--second=b/model.keras --method=both --align", "both"),
        ("--second=b/model.keras --method=activations", "method would have no effect.*--align"),
        ("--second=b/model.keras --seed=1", "seed would have no effect.*--align"),
        ("--second=b/model.keras --output=/dev/null/x", "Cannot write"),
        ("--second=b/model.keras --num_train_examples=5000", "between 1 and 959"),
    ),
    *each(
        "eval_pairs",
        (OUT,),
        ("", "--curve_files"),
        ("--curve_files=none.keras", "none.keras"),
        ("--curve_files=a/model.keras", "not a curve"),
        ("--curve_files=curve/curve.keras,curve/curve.keras", "Two files have the label"),
        ("--curve_files=curve/curve.keras --num_points=1", "num_points"),
        ("--curve_files=curve/curve.keras --num_points=10000000", "num_points must be at most"),
        ("--curve_files=curve/curve.keras --num_train_examples=5000", "between 1 and 959"),
        ("--curve_files=curve/curve.keras --seed=-1", "seed must be at least 0"),
    ),
    *each(
        "eval_trajectory",
        (OUT,),
        ("", "--run"),
        ("--run=none", "none"),
        ("--run=a", "a"),
        ("--run=bad", "bad"),
        ("--run=a/model.keras", "model.keras"),
    ),
    *each(
        "export_ensemble",
        (),
        (MEMBERS, "--saved_model"),
        (f"{MEMBERS} --saved_model=/dev/null/x", "."),
        (f"{MEMBERS} --saved_model=bad/text.keras", "."),
        ("--saved_model=new", "either --members or --curve_file"),
        ("--saved_model=new --members=none.keras", "none.keras"),
        (f"{MEMBERS} --output=new", "The flag --output is now --saved_model"),
    ),
    *each(
        "merge",
        (OUT,),
        ("", "--members"),
        ("--members=none.keras", "none.keras"),
        ("--members=a/model.keras", "two networks or more. Received: 1"),
        ("--members=a/model.keras,other/model.keras", "other/model.keras"),
        (f"{MEMBERS} --method=mean", "method.*mean"),
        (f"{MEMBERS} --method=ties", "'ties' needs `base`"),
        (f"{MEMBERS} --method=ties --base=none.keras", "none.keras"),
        (f"{MEMBERS} --method=ties --base=other/model.keras", "base.*architecture|other"),
        (f"{MEMBERS} --method=ties --base=a/model.keras --density=0", "density.* above 0"),
        (f"{MEMBERS} --method=ties --base=a/model.keras --density=2", "density.*2"),
        (f"{MEMBERS} --method=dare --base=a/model.keras --drop=1", "drop.* below 1"),
        (f"{MEMBERS} --method=dare --base=a/model.keras --seed=-1", "seed"),
        (f"{MEMBERS} --method=slerp --t=2", "t.* must be .*2"),
        (f"{MEMBERS} --scale=1", "'uniform' has no option `scale`"),
        (f"{MEMBERS} --scale=nan", "scale must be a finite"),
        (f"{MEMBERS} --base=a/model.keras", "'uniform' has no `base`"),
        (f"{MEMBERS} --method=greedy --density=1", "density would have no effect"),
        (f"{MEMBERS} --method=greedy --base=a/model.keras", "base would have no effect"),
        (f"{MEMBERS} --method=greedy --use_test", "leave --use_test out"),
        (f"{MEMBERS} --output=/dev/null/x", "Cannot write"),
    ),
]
GRIDS = each(
    "eval_grid",
    (OUT, "--verbose=0"),
    ("", "needs three networks"),
    ("--networks=a/model.keras", "three|3"),
    ("--networks=none.keras --surface=line", "none.keras"),
    (f"--surface=line --networks={'a/model.keras,b/model.keras'} --shape=0", "shape must be at"),
    ("--shape=1000000,1000000", "shape must be at most 100000"),
    ("--shape=50000,50000", "shape must have at most 10000000 points"),
    ("--shape=-3", "shape must be at least 1"),
    ("--shape=three", "shape must be whole numbers.*three"),
    ("--shape=3,3,3 --surface=line --networks=A=a/model.keras,B=b/model.keras", "shape"),
    ("--limits=1", "limits must be LOW,HIGH"),
    ("--limits=1,0", "LOW below HIGH"),
    ("--limits=nan,1", "limits must be finite"),
    ("--limits=low,high", "limits must be numbers"),
    ("--limits=0,1 --margin=0.5", "margin would have no effect"),
    ("--margin=nan", "margin must be a finite"),
    ("--margin=-1", "margin"),
    ("--surface=sphere", "sphere"),
    ("--surface=line --seed=3", "seed would have no effect"),
    ("--surface=line --num_rays=3", "num_rays would have no effect"),
    ("--surface=line --direction_scale=unit", "direction_scale would have no effect"),
    ("--surface=line --eigenvalue_tolerance=0.1", "eigenvalue_tolerance would have no"),
    (f"--surface=line {CURVE}", "curve_file would have no effect"),
    ("--surface=rays --num_rays=0", "num_rays"),
    ("--surface=rays --num_rays=10000000", "num_rays must be at most"),
    ("--surface=curve_plane", "needs a curve"),
    ("--surface=curve_plane --curve_file=a/model.keras", "not a curve"),
    ("--shard=1", "shard"),
    ("--surface=line --networks=A=a/model.keras,B=b/model.keras --shard=0/2", "shard"),
    ("--surface=line --networks=A=a/model.keras,B=b/model.keras --shard=3/2", "shard"),
    ("--shard=a/b", "shard"),
    ("--shard=1/2 --merge=2", "merge joins parts"),
    ("--merge=0", "merge"),
    ("--merge=2", "new"),
    ("--merge=1000000000", "merge must be at most"),
    ("--num_train_examples=0", "num_train_examples"),
    ("--num_test_examples=0", "num_test_examples"),
    ("--num_examples=9", "--num_examples is now --num_train_examples and --num_test_examples"),
    ("--networks=A=a/model.keras,A=b/model.keras", "label 'A'"),
)
FIGURES = [
    *each(
        "plot curve",
        (PNG,),
        ("", "--results"),
        ("--results=none.npz", "none.npz"),
        ("--results=curve", "curve"),
        ("--results=bad/text.npz", "damaged"),
        ("--results=plane.npz", "plane.npz"),
        ("--results=curve/e.npz --values=loss", "loss"),
        ("--results=curve/e.npz --values=", "."),
        ("--results=curve/e.npz --figure=new.xyz", "xyz"),
        ("--results=curve/e.npz --figure=/dev/null/x.png", "Cannot write"),
        ("--results=A=curve/e.npz,A=curve/e.npz", "label 'A'"),
    ),
    *each(
        "plot plane",
        (PNG,),
        ("--results=none.npz", "none.npz"),
        ("--results=curve/e.npz", "e.npz"),
        ("--results=plane.npz --levels=many", "levels takes"),
        ("--results=plane.npz --levels=0", "levels takes"),
        ("--results=plane.npz --levels=-4", "levels takes"),
        ("--results=plane.npz --levels=1000000000", "levels takes"),
        ("--results=plane.npz --levels=nan,1", "levels takes"),
        ("--results=plane.npz --levels=3,2,1", "increas"),
        ("--results=plane.npz --values=loss", "loss"),
        ("--results=plane.npz --max_value=nan", "max_value must be a finite"),
        ("--results=plane.npz --max_value=-5", "."),
        ("--results=plane.npz --heat_map --levels=3", "heat_map"),
        ("--results=plane.npz --functions=none.npz", "No curve is marked"),
    ),
    *each(
        "plot surface",
        (PNG,),
        ("--results=none.npz", "none.npz"),
        ("--results=plane.npz --scale=cubic", "cubic"),
        ("--results=plane.npz --elevation=nan", "elevation must be a finite"),
        ("--results=plane.npz --azimuth=inf", "azimuth must be a finite"),
        ("--results=plane.npz --values=loss", "loss"),
    ),
    *each(
        "plot film",
        ("--figure=new.gif", "--results=plane.npz"),
        ("--frames_per_second=0", "frames_per_second"),
        ("--frames_per_second=1e9", "frames_per_second must be at most"),
        ("--frames_per_second=nan", "frames_per_second must be a finite"),
        ("--figure=new.avi", "avi|film needs"),
        ("--values=loss", "loss"),
        ("--levels=0", "levels takes"),
    ),
    *each(
        "plot line",
        (PNG,),
        ("--results=none.npz", "none.npz"),
        ("--results=plane.npz", "."),
        ("--results=curve/e.npz", "e.npz"),
        ("--results=line.npz --values=nothing", "nothing"),
        ("--results=line.npz --max_value=nan", "max_value must be a finite"),
    ),
    *each("plot ensembles", (PNG,), ("--results=curve/e.npz", "e.npz"), ("", "--results")),
    *each("plot pairs", (PNG,), ("--results=curve/e.npz", "e.npz"), ("--results=x.npz", "x.npz")),
    *each("plot trajectory", (PNG,), ("--results=line.npz", "line.npz")),
    *each("plot mean_prediction", (PNG,), ("--results=line.npz,x.npz", "takes one file")),
    *each(
        "plot widths",
        (PNG,),
        ("--results=curve/e.npz --widths=1,2", "in the place of the width"),
        ("--results=curve/{}.npz --widths=wide", "widths must be numbers"),
        ("--results=curve/{}.npz --widths=", "."),
        ("--results=curve/{}.npz --widths=1", "curve/1.npz"),
    ),
    *each("plot curve_ensembles", (PNG, "--results=curve/e.npz"), ("", "--ensembles")),
    *each(
        "report",
        (),
        ("none", "none"),
        ("bad/text.keras", "text.keras"),
        ("a b", "unexpected argument 'b'"),
        ("bad --page=/dev/null/x.html", "Cannot write"),
        ("bad --output=x.html", "The flag --output is now --page"),
    ),
]
RECIPES = [
    *each(
        "demo",
        (NEW,),
        ("--epochs=0", "epochs"),
        ("--num_points=1", "num_points"),
        ("--num_points=1000000000", "num_points must be at most"),
        ("--seed=-4", "seed must be at least 0"),
        ("--curve_epochs=1000000000000", "curve_epochs must be at most"),
    ),
    *each(
        "reproduce",
        (NEW, "--results_file=r.csv"),
        ("", "Give --recipe=NAME"),
        ("--recipe=", "."),
        ("--recipe", "."),
        ("--recipe=digts", "digts"),
        ("--recipe=digits --set=num_points=1", "num_points"),
        ("--recipe=digits --set=num_points=x", "whole number"),
        ("--recipe=digits --set=curve_seeds=[3,3]", "Two steps have the name"),
        ("--recipe=digits --set=curve_seeds=[-3]", "seed must be at least 0"),
        ("--recipe=digits --set=curve_seeds=x", "seed must be"),
        ("--recipe=digits --set=training.learning_rate=nan", "a number"),
        ("--recipe=digits --set=training.batch_size=0", "batch_size must be at least 1"),
        ("--recipe=digits --set=training.epochs=-1", "epochs must be at least 0"),
        ("--recipe=digits --set=training", "NAME=VALUE"),
        ("--recipe=digits --set=trainings.epochs=1", "no 'trainings'"),
        ("--recipe=digits --set=network=fc", "network"),
        ("--recipe=digits --set=network.name=nothing", "nothing"),
        ("--recipe=digits --set=data.name=svhn", "svhn"),
        ("--recipe=mnist_two_chains --set=num_bends=0", "num_bends"),
        ("--recipe=a6_ensemble_mnist --set=ensemble_points=1", ".num_points. must be at least 2"),
        ("--recipe=a6_ensemble_mnist --set=ensemble_points=1000000", "at most"),
        ("--recipe=a6_ensemble_mnist --set=pair_points=1", ".num_points. must be at least 2"),
        ("--recipe=mnist_width_sweep --set=widths=[nan]", "."),
        ("--recipe=repair_digits --set=align=both", "align must be weights or activations.*both"),
        ("--recipe=instability_mnist --set=starts=[0,9]", r"epochs from 0 to 8.*\[0, 9\]"),
        ("--recipe=digits_ensembles --set=swa_epochs=0", "swa_start=32 of epochs=0"),
        ("--recipe=digits_ensembles --set=swa_epochs=[-3,4]", "swa_start=32 of epochs=4"),
        ("--recipe=digits_ensembles --set=fge_starts=-1", "FGE must start"),
        ("--recipe=digits_ensembles --set=fge_starts=[2,2]", "different epochs"),
        ("--recipe=digits_ensembles --set=fge_starts=1000", "FGE must start"),
        ("--recipe=digits_ensembles --set=budgets=0", "budgets"),
        ("--recipe=digits_ensembles --set=budgets=1000000", "budgets"),
        ("--recipe=digits_ensembles --set=methods=bagging", "bagging"),
        ("--recipe=digits_ensembles --set=sse_cycles=1000", "number of cycles"),
        ("--recipe=digits_ensembles --set=sse_cycles=0", "sse_cycles"),
        ("--recipe=digits_ensembles --set=fge.max_learning_rate=fast", "a number"),
        ("--recipe=digits_ensembles --set=fge.rate=1", "no .rate.*max_learning_rate"),
        ("--recipe=digits_planes --set=grid.shape=0", "shape"),
        ("--recipe=digits_planes --set=grid.shape=1000000", "shape"),
        ("--recipe=digits_planes --set=grid.radius=0", "have an extent above 0"),
        ("--recipe=digits_planes --set=grid.margin=-1", "margin"),
        ("--recipe=digits --epochs=3", "set=training.epochs=3"),
        ("--recipe=digits --results_file=/dev/null/x.csv", "Cannot write"),
        ("--recipe=digits --workdir=/dev/null/x", "Cannot write"),
    ),
]
ROWS = [
    *(*TRAINING, *NETWORKS, *DATA, *PLACES, *CYCLES),
    *(*EVALUATIONS, *GRIDS, *FIGURES, *RECIPES),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Small networks, a curve, results, and files that are none of these."""
    folder = tmp_path_factory.mktemp("bad")
    train = {
        name: (f"--workdir={folder}/{name}", f"--seed={seed}", "--epochs=0", *flags)
        for name, seed, flags in (
            *(("a", 0, FC), ("b", 1, FC)),
            ("other", 0, ("--network=convnet",)),
        )
    }
    run_all("train", train)
    ends = [f"--{flag.lstrip('-').replace('=', f'={folder}/')}" for flag in ENDS]
    run_all("connect", {"it": (f"--workdir={folder}/curve", *ends, "--epochs=0")})
    chain().save(folder / "curve" / "e")
    line().save(folder / "line")
    surface = plane()
    surface.paths = {}
    surface.save(folder / "plane")
    _bad_files(folder)
    return folder


def _bad_files(folder):
    (folder / "bad").mkdir()
    for name in ("text.keras", "text.npz"):
        (folder / "bad" / name).write_text("this is text")
    (folder / "bad" / "empty.keras").write_bytes(b"")
    (folder / "bad" / "raises.py").write_text("{}['key']\n")
    (folder / "bad" / "syntax.py").write_text("def (\n")
    for name, file in (("tfds", "dataset_info.json"), ("tfds2", "features.json")):
        version = folder / name / "mnist" / "3.0.1"
        version.mkdir(parents=True)
        (version / "dataset_info.json").write_text("{}")
        (version / file).write_text('{"half')
    texts = {
        "latin": ("a b c\n", b"a b \n\xe9t\xe9\n", "a\n"),
        "empty": (" \n", b"a\n", "a\n"),
        "short": ("a b c\n", b"a b\n", "a b\n"),
        "words": ("a b c\n" * 99, b"a b\n" * 99, "new\n" * 99),
    }
    for name, parts in texts.items():
        (folder / f"ptb_{name}").mkdir()
        for part, text in zip(("train", "valid", "test"), parts):
            content = text if isinstance(text, bytes) else text.encode()
            (folder / f"ptb_{name}" / f"ptb.{part}.txt").write_bytes(content)


@pytest.fixture(scope="module")
def ended(files):
    """How each row ended, by its number."""
    return run_rows([(program, flags) for program, flags, _ in ROWS], files)


@pytest.mark.parametrize("index", range(len(ROWS)), ids=lambda i: f"{ROWS[i][0]}-{i}")
def test_bad_input_is_one_line(ended, index):
    _, flags, message = ROWS[index]
    how, changed = ended[index]
    program = ROWS[index][0]
    assert how.out == ""
    (line,) = how.errors
    assert line.startswith(f"{program}.py: error: ")
    assert re.search(message, line), line
    assert how.code == 1
    assert len(line) < 1000 and "Traceback" not in line
    assert not changed  # nothing is changed, removed or left behind
