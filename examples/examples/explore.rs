#![allow(warnings, clippy::all)]
#[path="../digits/data.rs"] mod data;
#[path="../digits/network.rs"] mod network;
use network::*; use freeze_examples::Dataset;
use tch::{nn::{self,ModuleT,OptimizerConfig}, Device, Tensor, Kind};

fn acc(net:&Network, d:&Dataset)->f64{ tch::no_grad(|| net.forward_t(&d.inputs,false).accuracy_for_logits(&d.labels).double_value(&[])) }
fn e(name:&str, d:&str)->String{ std::env::var(name).unwrap_or(d.into()) }

fn aug(x:&Tensor)->Tensor{
  let a:f64=e("AUG","0").parse().unwrap(); if a==0.0 {return x.shallow_clone();}
  let n=x.size()[0];
  // affine: rotation, scale, shear, shift
  let eye=Tensor::from_slice(&[1f32,0.,0.,0.,1.,0.]).view([1,2,3]);
  let noise=Tensor::randn([n,2,3],(Kind::Float,Device::Cpu))*(a*0.15);
  let th=eye+noise;
  let g=Tensor::affine_grid_generator(&th,[n,1,8,8],false);
  x.grid_sampler(&g,0,0,false)
}
fn main(){
  if e("ONE","1")=="1" {tch::set_num_threads(1);}
  let digits=data::load().unwrap();
  let old=digits.classes(0..5); 
  let pre_epochs:usize=e("PRE","10").parse().unwrap();
  let mut vs=nn::VarStore::new(Device::Cpu);
  tch::manual_seed(1);
  let net=Network::new(&vs.root());
  println!("params {}", vs.trainable_variables().iter().map(|t|t.numel()).sum::<usize>());
  let plr:f64=e("PLR","3e-3").parse().unwrap(); let mut o=nn::AdamW::default().build(&vs,plr).unwrap();
  let t=std::time::Instant::now();
  for ep in 0..pre_epochs { for (x,y) in old.batches(32){ let x=aug(&x); let l=net.forward_t(&x,true).cross_entropy_for_logits(&y); o.backward_step(&l);} }
  println!("pre {:.4} {:?}", acc(&net,&old), t.elapsed());
  vs.save("/tmp/pre.safetensors").unwrap();
  let epochs:usize=e("EPOCHS","30").parse().unwrap();
  let bs:i64=e("BS","10").parse().unwrap();
  let seeds:i64=e("SEEDS","5").parse().unwrap();
  let new=digits.classes(5..10);
  // strategies: "name:pretrained:lr_head,lr3,lr2,lr1,lr0:e_head,e3,e2,e1,e0[:evalbn][:decay]"
  for s in std::env::args().skip(1) {
    let p:Vec<&str>=s.split(':').collect();
    let pre=p[1]=="1";
    let lrs:Vec<f64>=p[2].split(',').map(|v|v.parse().unwrap()).collect();
    let ens:Vec<usize>=p[3].split(',').map(|v|v.parse().unwrap()).collect();
    let evalbn=p.get(4)==Some(&"evalbn");
    let factor:f64=p.get(5).map_or(1.0,|v|v.parse().unwrap());
    let t=std::time::Instant::now();
    let mut all=vec![vec![];epochs];
    for seed in 0..seeds {
      tch::manual_seed(100+seed);
      let (few,rest)=new.draw(10);
      let mut vs=nn::VarStore::new(Device::Cpu);
      let mut net=Network::new(&vs.root());
      if pre { vs.load("/tmp/pre.safetensors").unwrap(); net.renew_head(); }
      let names=["head","layer3","layer2","layer1","stem"];
      let mut on=[false;5];
      for (k,t) in vs.variables() { if !k.contains("running") { t.set_requires_grad(false); } }
      let mut opt=nn::AdamW::default().build(&vs,0.0).unwrap();
      let bufs=||->Vec<Tensor>{ vec![] };
      for ep in 0..epochs {
        for g in 0..5 { if ens[g]==ep { on[g]=true; opt.set_lr_group(g,lrs[g]); for (k,t) in vs.variables() { if k.starts_with(names[g]) && !k.contains("running") { t.set_requires_grad(true); } } } }
        for (x,y) in few.batches(bs){
          let held:Vec<(Tensor,Tensor)> = vs.variables().into_iter().filter(|(k,_)|k.contains("running")&& (0..5).any(|g| k.starts_with(names[g]) && !on[g])).map(|(_,t)|{let c=t.copy();(t,c)}).collect();
          let evaln=(0..5).filter(|g|!on[*g]).count();
          let logits= if evalbn { net.forward_part(&x, evaln) } else { net.forward_t(&x,true) };
          let l=logits.cross_entropy_for_logits(&y);
          opt.zero_grad();
          l.backward();
          opt.step();
          for (mut a,b) in held { tch::no_grad(||a.copy_(&b)); }
        }
        for g in 0..5 { if on[g] { opt.set_lr_group(g, lrs[g]*factor.powi((ep+1-ens[g]) as i32)); } }
        all[ep].push(acc(&net,&rest));
      }
    }
    let ms=|v:&Vec<f64>|{let m=v.iter().sum::<f64>()/v.len() as f64; let sd=(v.iter().map(|x|(x-m).powi(2)).sum::<f64>()/(v.len() as f64-1.0).max(1.0)).sqrt(); (m*100.,sd*100.)};
    print!("{:10}",p[0]);
    for ep in (0..epochs).filter(|e| e%4==3 || *e==epochs-1) { let (m,_)=ms(&all[ep]); print!(" {m:5.1}"); }
    let (m,sd)=ms(&all[epochs-1]); println!("  final {m:.2}±{sd:.2}  {:?}", t.elapsed());
  }
}
