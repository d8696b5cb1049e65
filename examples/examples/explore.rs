#![allow(warnings, clippy::all)]
#[path = "../digits/data.rs"]
mod data;
#[path = "../digits/network.rs"]
mod network;
use freeze_examples::Dataset;
use network::*;
use tch::{
    Device, Kind, Tensor,
    nn::{self, ModuleT, OptimizerConfig},
};

fn acc(net: &Network, d: &Dataset) -> f64 {
    tch::no_grad(|| {
        net.forward_t(&d.inputs, false).accuracy_for_logits(&d.labels).double_value(&[])
    })
}
fn e(name: &str, d: &str) -> String {
    std::env::var(name).unwrap_or(d.into())
}

fn aug(x: &Tensor) -> Tensor {
    let a: f64 = e("AUG", "0").parse().unwrap();
    if a == 0.0 {
        return x.shallow_clone();
    }
    let n = x.size()[0];
    // affine: rotation, scale, shear, shift
    let eye = Tensor::from_slice(&[1f32, 0., 0., 0., 1., 0.]).view([1, 2, 3]);
    let noise = Tensor::randn([n, 2, 3], (Kind::Float, Device::Cpu)) * (a * 0.15);
    let th = eye + noise;
    let g = Tensor::affine_grid_generator(&th, [n, 1, 8, 8], false);
    x.grid_sampler(&g, 0, 0, false)
}
fn main() {
    if e("ONE", "1") == "1" {
        tch::set_num_threads(1);
    }
    let digits = data::load().unwrap();
    let old = digits.classes(0..5);
    let pre_epochs: usize = e("PRE", "10").parse().unwrap();
    let mut vs = nn::VarStore::new(Device::Cpu);
    tch::manual_seed(1);
    let net = Network::new(&vs.root());
    println!("params {}", vs.trainable_variables().iter().map(|t| t.numel()).sum::<usize>());
    let plr: f64 = e("PLR", "3e-3").parse().unwrap();
    let mut o = nn::AdamW::default().build(&vs, plr).unwrap();
    let t = std::time::Instant::now();
    if e("LOADPRE", "0") == "1" {
        vs.load("/tmp/pre.safetensors").unwrap();
    } else {
        for ep in 0..pre_epochs {
            for (x, y) in old.batches(32) {
                let x = aug(&x);
                let l = net.forward_t(&x, true).cross_entropy_for_logits(&y);
                o.backward_step(&l);
            }
        }
    }
    println!("pre {:.4} {:?}", acc(&net, &old), t.elapsed());
    vs.save("/tmp/pre.safetensors").unwrap();
    let epochs: usize = e("EPOCHS", "30").parse().unwrap();
    let bs: i64 = e("BS", "10").parse().unwrap();
    let seeds: i64 = e("SEEDS", "5").parse().unwrap();
    let new = digits.classes(5..10);

    for s in std::env::args().skip(1) {
        let (name, rest_) = s.split_once('|').unwrap();
        let (pre, text) = rest_.split_once('|').unwrap();
        let pre = pre == "1";
        let policy = match freeze_runtime::Policy::parse(text) {
            Ok(p) => p,
            Err(e) => {
                println!("{e}");
                continue;
            }
        };
        let t = std::time::Instant::now();
        let mut all = vec![vec![]; epochs];
        for seed in 0..seeds {
            tch::manual_seed(e("SEED0", "100").parse::<i64>().unwrap() + seed);
            let (few, rest) = new.draw(10);
            let mut vs = nn::VarStore::new(Device::Cpu);
            let mut net = Network::new(&vs.root());
            if pre {
                vs.load("/tmp/pre.safetensors").unwrap();
                net.renew_head();
            }
            let mut tuner = freeze_runtime::Tuner::builder(&policy)
                .optimizer(nn::AdamW::default())
                .attach(&vs)
                .map_err(|e| println!("{e}"))
                .unwrap();
            for ep in 0..epochs {
                tuner.start_epoch().unwrap();
                for (x, y) in few.batches(bs) {
                    let l = net.forward_t(&x, true).cross_entropy_for_logits(&y);
                    tuner.backward_step(&l).unwrap();
                }
                all[ep].push(acc(&net, &rest));
            }
        }
        let ms = |v: &Vec<f64>| {
            let m = v.iter().sum::<f64>() / v.len() as f64;
            let sd = (v.iter().map(|x| (x - m).powi(2)).sum::<f64>()
                / (v.len() as f64 - 1.0).max(1.0))
            .sqrt();
            (m * 100., sd * 100.)
        };
        print!("{:8}", name);
        for ep in (0..epochs).filter(|e| e % 4 == 3 || *e == epochs - 1) {
            let (m, _) = ms(&all[ep]);
            print!(" {m:5.1}");
        }
        let (m, sd) = ms(&all[epochs - 1]);
        let l5: f64 = all[epochs - 5..].iter().map(|v| ms(v).0).sum::<f64>() / 5.;
        println!(
            "  final {m:.2}±{sd:.2} last5 {l5:.2}  {:.1?}  {:.0?}",
            t.elapsed(),
            all[epochs - 1].iter().map(|a| a * 1000.).collect::<Vec<_>>()
        );
    }
}
